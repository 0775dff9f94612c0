package filestore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// node is a file or a directory that was recorded. The ground is the directory that all others are below, and that was there before.
type node int

const ground node = 0

type eventKind int

const (
	made eventKind = iota // a directory
	created
	wrote
	synced // a file or a directory
	renamed
	unlinked
	flushed // all of it, by the system: half a minute has gone by
)

// event is one change that a store made, or its sync.
type event struct {
	kind     eventKind
	position int
	dir      node   // whose name it is
	name     string // that leads to the node from now on, or no longer
	from     string // of what was renamed
	node     node
	data     []byte // that was written
	at       int    // there
}

func (e event) String() string {
	what := [...]string{"made", "created", "wrote", "synced", "renamed", "unlinked", "flushed"}[e.kind]
	return fmt.Sprintf("%d: %s %d/%.8s.. node %d, %d bytes at %d", e.position, what, e.dir, e.name, e.node, len(e.data), e.at)
}

// recorder notes what stores change in the files below a directory, and what they sync. It does all of it but the syncs.
type recorder struct {
	base   string
	short  *rand.Rand               // chooses which writes are cut short
	refuse bool                     // a sync of a directory
	mu     sync.Mutex               // makes a call and its event one
	log    []event                  //
	names  map[node]map[string]node // those that a directory has now
	sizes  map[node]int             // of files
	opened map[int]node             // by descriptor
	nodes  node                     // how many there are, beside the ground
}

// newRecorder returns one of what is made below base. The directories of root, a path below it, are noted as made: a store does not make them by its own calls.
func newRecorder(base, root string) *recorder {
	r := &recorder{
		base: base, short: rand.New(rand.NewPCG(1, 2)),
		names: map[node]map[string]node{ground: {}}, sizes: make(map[node]int), opened: make(map[int]node),
	}
	dir := ground
	for name := range strings.SplitSeq(root, "/") {
		dir = r.add(made, dir, name)
	}
	return r
}

func (r *recorder) note(e event) {
	e.position = len(r.log)
	r.log = append(r.log, e)
}

// add notes a new file or directory.
func (r *recorder) add(kind eventKind, dir node, name string) node {
	r.nodes++
	if kind == made {
		r.names[r.nodes] = make(map[string]node)
	}
	r.names[dir][name] = r.nodes
	r.note(event{kind: kind, dir: dir, name: name, node: r.nodes})
	return r.nodes
}

// position is how many events there are.
func (r *recorder) position() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.log)
}

// flush notes that the system has written all that it had.
func (r *recorder) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(event{kind: flushed})
}

// refuseNames says whether syncs of directories fail.
func (r *recorder) refuseNames(refuse bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = refuse
}

// system returns the system's calls, which are recorded.
func (r *recorder) system() system {
	sys := direct()
	s := sys
	s.openPath = func(path string) (int, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		dir, err := sys.openPath(path)
		if n, found := r.find(path); found && err == nil {
			r.opened[dir] = n
		}
		return dir, err
	}
	s.openDir = func(parent int, name string) (int, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		dir, err := sys.openDir(parent, name)
		if err == nil {
			r.opened[dir] = r.names[r.opened[parent]][name]
		}
		return dir, err
	}
	s.makeDir = func(dir int, name string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		err := sys.makeDir(dir, name)
		if err == nil {
			r.add(made, r.opened[dir], name)
		}
		return err
	}
	making := func(call func(dir int, name string) (int, error)) func(dir int, name string) (int, error) {
		return func(dir int, name string) (int, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			file, err := call(dir, name)
			if err == nil {
				n, found := r.names[r.opened[dir]][name]
				if !found {
					n = r.add(created, r.opened[dir], name)
				}
				r.opened[file] = n
			}
			return file, err
		}
	}
	s.create, s.share = making(sys.create), making(sys.share)
	s.close = func(file int) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.opened, file)
		return sys.close(file)
	}
	r.changes(&s, &sys)
	return s
}

// changes has the calls that change what there is.
func (r *recorder) changes(s, sys *system) {
	s.write = func(file int, b []byte) (int, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(b) > 1 && r.short.IntN(2) == 0 {
			b = b[:1+r.short.IntN(len(b)-1)]
		}
		n, err := sys.write(file, b)
		r.wrote(file, b[:max(n, 0)], r.sizes[r.opened[file]])
		return n, err
	}
	s.pwrite = func(file int, b []byte, at int64) (int, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		n, err := sys.pwrite(file, b, at)
		r.wrote(file, b[:max(n, 0)], int(at))
		return n, err
	}
	s.sync = func(file int) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		n, found := r.opened[file]
		if !found {
			return nil // above the ground
		}
		if r.refuse && r.names[n] != nil {
			return syscall.EIO
		}
		r.note(event{kind: synced, node: n})
		return nil
	}
	s.rename = func(dir int, from, to string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		err := sys.rename(dir, from, to)
		if err == nil {
			names := r.names[r.opened[dir]]
			r.note(event{kind: renamed, dir: r.opened[dir], name: to, from: from, node: names[from]})
			names[to] = names[from]
			delete(names, from)
		}
		return err
	}
	s.unlink = func(dir int, name string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		err := sys.unlink(dir, name)
		if err == nil {
			r.note(event{kind: unlinked, dir: r.opened[dir], name: name})
			delete(r.names[r.opened[dir]], name)
		}
		return err
	}
}

func (r *recorder) wrote(file int, b []byte, at int) {
	n := r.opened[file]
	r.note(event{kind: wrote, node: n, data: bytes.Clone(b), at: at})
	r.sizes[n] = max(r.sizes[n], at+len(b))
}

// find returns the node of a path, if it is not above the ground.
func (r *recorder) find(path string) (n node, found bool) {
	below, err := filepath.Rel(r.base, path)
	if err != nil || strings.HasPrefix(below, "..") {
		return ground, false
	}
	n, found = ground, true
	for name := range strings.SplitSeq(below, "/") {
		if name != "." && found {
			n, found = r.names[n][name]
		}
	}
	return n, found
}
