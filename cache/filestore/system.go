package filestore

import "io/fs"

// system are the system calls of a store, so that a test can fail, delay and record them. Directories and files are descriptors. A name is that of a file in
// the directory, without a slash; no symbolic link is followed. [direct] are those of the operating system.
type system struct {
	statPath func(path string) (info, error) // follows links: the path is the operator's
	openPath func(path string) (dir int, err error)
	openDir  func(dir int, name string) (int, error)
	makeDir  func(dir int, name string) error // none of group and others can do anything there
	list     func(dir int) ([]string, error)
	lock     func(dir int) error // waits until nobody else has it
	tryLock  func(dir int) error // fails where somebody has it
	unlock   func(dir int) error
	writable func(dir int) error // why nothing can be written there

	stat   func(dir int, name string) (info, error)
	open   func(dir int, name string) (file int, err error)
	create func(dir int, name string) (file int, err error) // fs.ErrExist where the name is taken; 0600
	rename func(dir int, from, to string) error
	unlink func(dir int, name string) error

	fstat func(file int) (info, error)
	read  func(file int, b []byte, at int64) (int, error) // 0 and nil at the end
	write func(file int, b []byte) (int, error)
	sync  func(file int) error
	close func(file int) error
	mmap  func(file, size int) ([]byte, error)

	share      func(dir int, name string) (file int, err error) // to read and write, made if it is not there; 0600
	pwrite     func(file int, b []byte, at int64) (int, error)
	mmapShared func(file, size int) ([]byte, error) // to write too

	unmap func(b []byte) error
}

// info is what a store needs to know of a file.
type info struct {
	id    fileID
	size  int64
	mode  fs.FileMode // only its type
	links uint64      // 0: it has been removed
}

// fileID tells files apart, as long as both are there or held open.
type fileID struct{ dev, ino uint64 }
