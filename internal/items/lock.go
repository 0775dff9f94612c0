//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package items

import (
	"errors"
	"os"
	"syscall"
)

// lockFile waits for the lock of the file at path, which it makes where it is missing. The lock excludes other processes, and
// other calls in this one. Closing the file gives it back, and so does the kernel when the process dies.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			_ = f.Close()
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		return f, nil
	}
}
