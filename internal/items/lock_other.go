//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package items

import (
	"context"
	"os"
)

// lockFile only opens the file: where there is no flock, one process may write to a directory.
func lockFile(_ context.Context, path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
