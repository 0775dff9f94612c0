package filestore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	// generationsName is a file beside the shards: memory that the processes of a directory share.
	generationsName = "generations"
	// perShard is how many numbers a shard has there: a write makes the others that share its number be read from their files once more.
	perShard        = 256
	generationWords = shards * perShard
	generationBytes = generationWords * 8

	unusable = 0 // of a number that nobody has chosen yet
	writing  = 1 // of one whose files somebody is changing, or was when it was killed
)

// generations are numbers in memory that all processes of the directory share, one for the files whose hashes begin alike. A number that is even and not 0 is that of a
// state: while it stays the same no file of its own changes. So what was read under it can be used without a system call.
//
// Whoever changes a file, with the lock of its shard, sets the number to writing before and to a new one at random after. One that is killed in between leaves
// it at writing, and until the next writer nothing can be used without a look at the file. Were the numbers counted, zeros or a flipped bit in the file could bring an
// old one back.
type generations struct {
	id    fileID
	bytes []byte
	words *[generationWords]atomic.Uint64
}

// openGenerations maps the file, which is made if it is not there.
func openGenerations(sys *system, root string, full bool) (*generations, error) {
	base, err := openBase(sys, root, true, full)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sys.close(base) }()
	file, err := sys.share(base, generationsName)
	if err != nil {
		return nil, refused(fmt.Sprintf("the file %q cannot be opened", filepath.Join(root, layout, generationsName)), err)
	}
	defer func() { _ = sys.close(file) }()
	g, err := mapGenerations(sys, file)
	if err != nil {
		return nil, refused(fmt.Sprintf("the file %q cannot be used", filepath.Join(root, layout, generationsName)), err)
	}
	return g, nil
}

func mapGenerations(sys *system, file int) (*generations, error) {
	// Or the zeros of one process could overwrite what a writer of another has said.
	if err := sys.lock(file); err != nil {
		return nil, err
	}
	defer func() { _ = sys.unlock(file) }()
	i, err := sys.fstat(file)
	if err != nil {
		return nil, err
	}
	if i.mode != 0 {
		return nil, errors.New("it is no regular file")
	}
	if i.size < generationBytes {
		// Written, for a page that had no place on the disk yet could not be given one later.
		if n, err := sys.pwrite(file, make([]byte, generationBytes-i.size), i.size); err != nil || int64(n) < generationBytes-i.size {
			return nil, cmp.Or(err, io.ErrShortWrite)
		}
	}
	b, err := sys.mmapShared(file, generationBytes)
	if err != nil {
		return nil, err
	}
	return &generations{id: i.id, bytes: b, words: (*[generationWords]atomic.Uint64)(unsafe.Pointer(&b[0]))}, nil
}

// current tells whether the file still is the one at its path.
func (g *generations) current(sys *system, root string) bool {
	i, err := sys.statPath(filepath.Join(root, layout, generationsName))
	return err == nil && i.id == g.id && i.size >= generationBytes
}

// errCutShort: somebody has truncated the file, and the system refuses its pages.
var errCutShort = errors.New("the file of generations was cut short")

// touch calls f, which uses the numbers.
func touch(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = errCutShort
		}
	}()
	f()
	return nil
}

// of returns a number under which files can be used, unusable where there is none.
func (g *generations) of(at int) (number uint64) {
	err := touch(func() {
		word := &g.words[at]
		if number = word.Load(); number == unusable && word.CompareAndSwap(unusable, newGeneration()) {
			number = word.Load()
		}
	})
	if err != nil || number&writing != 0 {
		return unusable
	}
	return number
}

// begin says that files are going to be changed, which must not happen where it fails.
func (g *generations) begin(at int) error {
	return touch(func() { g.words[at].Store(writing) })
}

// end says that they have been.
func (g *generations) end(at int) {
	_ = touch(func() { g.words[at].Store(newGeneration()) })
}

// outdate makes a number another, by somebody who has no lock: it leaves one alone whose files a writer is changing.
func (g *generations) outdate(at int) error {
	return touch(func() {
		word := &g.words[at]
		for number := word.Load(); number != writing && !word.CompareAndSwap(number, newGeneration()); number = word.Load() {
		}
	})
}

// retire tells the other processes that use this file, and not the one at its path, that they cannot rely on it.
func (g *generations) retire() {
	_ = touch(func() {
		for at := range g.words {
			g.words[at].Store(writing) // not unusable, or a reader would choose a state that no writer ends
		}
	})
}

func newGeneration() uint64 { return max(2, rand.Uint64()&^writing) }

// shared are the generations of a store. They are others when somebody has removed the file, or replaced the directory.
type shared struct {
	sys  *system
	root string
	full bool

	now     atomic.Pointer[generations]
	mu      sync.Mutex // of who renews
	retired []*generations
}

// renew makes sure that the generations are those at the path.
func (s *shared) renew() error {
	if g := s.now.Load(); g != nil && g.current(s.sys, s.root) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now.Load()
	if old != nil && old.current(s.sys, s.root) {
		return nil
	}
	g, err := openGenerations(s.sys, s.root, s.full)
	if err != nil {
		return err
	}
	s.now.Store(g)
	if old != nil {
		if old.id != g.id { // and not the same file, made long enough again
			old.retire()
		}
		s.retired = append(s.retired, old) // somebody may be reading it
	}
	return nil
}

// close unmaps them. Nobody uses them any more.
func (s *shared) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.now.Load(); g != nil {
		s.retired = append(s.retired, g)
	}
	for _, g := range s.retired {
		_ = s.sys.unmap(g.bytes)
	}
	s.retired = nil
}
