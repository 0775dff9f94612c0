//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package items

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lockPause is how long to wait before the next try. The lock is held for a few system calls.
const lockPause = 2 * time.Millisecond

// lockFile waits for the lock of the file at path, which it makes where it is missing, for as long as ctx allows. The lock
// excludes other processes, and other calls in this one. Closing the file gives it back, and so does the kernel when the process
// dies; but one that was stopped keeps it, so nobody may wait for it without an end.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			_ = f.Close()
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, &os.PathError{Op: "lock", Path: path, Err: ctx.Err()}
		case <-time.After(lockPause):
		}
	}
}
