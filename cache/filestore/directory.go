package filestore

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
)

// directory is that of a shard, open. It stays open for those who use it when another has taken its place.
type directory struct {
	sys   *system
	shard int // its number
	path  string
	fd    int
	id    fileID

	users    atomic.Int32 // and the shard, whose it is
	replaced atomic.Bool  // no file in it is to be mapped any more
}

// errNoShard: nothing has been stored in the shard yet.
var errNoShard = errors.New("no shard")

// openShard opens the directory at path, from the user's downwards. No link is followed below that.
func openShard(sys *system, root, path string, makeIt, full bool) (*directory, error) {
	base, err := openBase(sys, root, makeIt, full)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sys.close(base) }()
	fd, err := openBelow(sys, base, filepath.Base(path), makeIt, full)
	if err != nil {
		return nil, atPath(path, err)
	}
	i, err := sys.fstat(fd)
	if err != nil {
		_ = sys.close(fd)
		return nil, atPath(path, err)
	}
	d := &directory{sys: sys, path: path, fd: fd, id: i.id}
	d.users.Store(1)
	return d, nil
}

// leave ends a use.
func (d *directory) leave() {
	if d.users.Add(-1) == 0 {
		_ = d.sys.close(d.fd)
	}
}

// unlock ends what a shard's lock began.
func (d *directory) unlock() {
	_ = d.sys.unlock(d.fd)
	d.leave()
}

// current tells whether the directory still is the one at its path: it may have been removed, or moved away. An error is why nobody can tell.
func (d *directory) current() (bool, error) {
	i, err := d.sys.statPath(d.path)
	if errors.Is(err, errNoEntry) {
		return false, nil
	}
	return err == nil && i.id == d.id, err
}

// openBase opens the directory that has the shards.
func openBase(sys *system, root string, makeIt, full bool) (int, error) {
	top, err := sys.openPath(root)
	if err != nil {
		return -1, atPath(root, err)
	}
	defer func() { _ = sys.close(top) }()
	base, err := openBelow(sys, top, layout, makeIt, full)
	return base, atPath(filepath.Join(root, layout), err)
}

// openBelow opens a directory in another, which is synced where the name must not be lost with the power: another process may have made it.
func openBelow(sys *system, parent int, name string, makeIt, full bool) (int, error) {
	dir, err := sys.openDir(parent, name)
	if errors.Is(err, errNoEntry) {
		if !makeIt {
			return -1, errNoShard
		}
		// Another process may be faster.
		if err = sys.makeDir(parent, name); err == nil || errors.Is(err, errExist) {
			dir, err = sys.openDir(parent, name)
		}
	}
	if err != nil {
		return -1, err
	}
	if full {
		if err := sys.sync(parent); err != nil {
			_ = sys.close(dir)
			return -1, err
		}
	}
	return dir, nil
}

// atPath names the directory that could not be opened.
func atPath(path string, err error) error {
	switch {
	case err == nil || errors.Is(err, errNoShard):
		return err
	case errors.Is(err, errNotDir) || errors.Is(err, errLink):
		return refused(fmt.Sprintf("%q is not a directory, or a symbolic link", path), err)
	}
	return refused(fmt.Sprintf("the directory %q cannot be used", path), err)
}
