//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package filestore

import "errors"

var (
	errNoEntry = errors.New("no such file")
	errExist   = errors.New("the name is taken")
	errNotDir  = errors.New("not a directory")
	errLink    = errors.New("a symbolic link")
	errIsDir   = errors.New("a directory")
	errDenied  = errors.New("permission denied")
)

func noSpace() []error      { return nil }
func noPermission() []error { return nil }
func readOnly() []error     { return nil }
func tooManyFiles() []error { return nil }

// supported: a store needs flock, mmap, and openat with O_NOFOLLOW.
const supported = false

func direct() system { return system{} }
