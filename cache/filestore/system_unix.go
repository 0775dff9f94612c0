//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filestore

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// What it means that a system call was refused.
var (
	errNoEntry error = unix.ENOENT
	errExist   error = unix.EEXIST
	errNotDir  error = unix.ENOTDIR // O_DIRECTORY of what is none; Linux says so of a symbolic link too
	errLink    error = unix.ELOOP
	errIsDir   error = unix.EISDIR
	errDenied  error = unix.EACCES
)

func noSpace() []error      { return []error{unix.ENOSPC, unix.EDQUOT, unix.EFBIG} }
func noPermission() []error { return []error{unix.EACCES, unix.EPERM} }
func readOnly() []error     { return []error{unix.EROFS} }
func tooManyFiles() []error { return []error{unix.EMFILE, unix.ENFILE} }

const supported = true

func direct() system {
	return system{
		statPath: func(path string) (info, error) {
			var st unix.Stat_t
			err := again(func() error { return unix.Stat(path, &st) })
			return infoOf(&st), err
		},
		openPath: func(path string) (int, error) {
			return againFor(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
		},
		openDir: func(dir int, name string) (int, error) {
			return openAt(dir, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		},
		makeDir: func(dir int, name string) error {
			return again(func() error { return unix.Mkdirat(dir, name, 0o700) })
		},
		list:    list,
		lock:    func(dir int) error { return again(func() error { return unix.Flock(dir, unix.LOCK_EX) }) },
		tryLock: func(dir int) error { return again(func() error { return unix.Flock(dir, unix.LOCK_EX|unix.LOCK_NB) }) },
		unlock:  func(dir int) error { return again(func() error { return unix.Flock(dir, unix.LOCK_UN) }) },
		writable: func(dir int) error {
			return again(func() error { return unix.Faccessat(dir, ".", unix.W_OK|unix.X_OK, 0) })
		},

		stat: func(dir int, name string) (info, error) {
			var st unix.Stat_t
			err := again(func() error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
			return infoOf(&st), err
		},
		// O_NONBLOCK: to open a named pipe would wait for somebody to write.
		open: func(dir int, name string) (int, error) { return openAt(dir, name, unix.O_RDONLY|unix.O_NONBLOCK, 0) },
		create: func(dir int, name string) (int, error) {
			return openAt(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
		},
		rename: func(dir int, from, to string) error {
			return again(func() error { return unix.Renameat(dir, from, dir, to) })
		},
		unlink: func(dir int, name string) error { return again(func() error { return unix.Unlinkat(dir, name, 0) }) },

		fstat: func(file int) (info, error) {
			var st unix.Stat_t
			err := again(func() error { return unix.Fstat(file, &st) })
			return infoOf(&st), err
		},
		read: func(file int, b []byte, at int64) (int, error) {
			return againFor(func() (int, error) { return unix.Pread(file, b, at) })
		},
		write: func(file int, b []byte) (int, error) {
			return againFor(func() (int, error) { return unix.Write(file, b) })
		},
		sync:  func(file int) error { return again(func() error { return unix.Fsync(file) }) },
		close: unix.Close, // not again: the descriptor is gone, and may be another's by then
		mmap: func(file, size int) ([]byte, error) {
			return unix.Mmap(file, 0, size, unix.PROT_READ, unix.MAP_SHARED)
		},
		share: func(dir int, name string) (int, error) {
			return openAt(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_NONBLOCK, 0o600)
		},
		pwrite: func(file int, b []byte, at int64) (int, error) {
			return againFor(func() (int, error) { return unix.Pwrite(file, b, at) })
		},
		mmapShared: func(file, size int) ([]byte, error) {
			return unix.Mmap(file, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		},
		unmap: unix.Munmap,
	}
}

func openAt(dir int, name string, flags int, mode uint32) (int, error) {
	return againFor(func() (int, error) { return unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode) })
}

// list opens the directory anew, for the place in it is the descriptor's.
func list(dir int) ([]string, error) {
	fd, err := openAt(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "")
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

func infoOf(st *unix.Stat_t) info {
	var mode fs.FileMode
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode = fs.ModeDir
	default:
		mode = fs.ModeIrregular
	}
	// The types of these fields are not the same everywhere.
	return info{id: fileID{uint64(st.Dev), uint64(st.Ino)}, size: st.Size, mode: mode, links: uint64(st.Nlink)} //nolint:unconvert // nor here
}

// again calls f until no signal interrupts it.
func again(f func() error) error {
	for {
		if err := f(); err != unix.EINTR { //nolint:errorlint // a system call's own
			return err
		}
	}
}

func againFor(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR { //nolint:errorlint // a system call's own
			return n, err
		}
	}
}
