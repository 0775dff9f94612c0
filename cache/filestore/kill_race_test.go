//go:build race

package filestore_test

// raceEnabled says that every access to memory is watched, so that a process takes ten times as long to start.
const raceEnabled = true
