//go:build race

package memstore_test

// raceEnabled says that every access to memory is watched, and takes ten times as long.
const raceEnabled = true
