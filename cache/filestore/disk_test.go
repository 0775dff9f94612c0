package filestore

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// disk is what is known of a disk after some of the recorded events: what is on it for certain, and what has not been synced.
type disk struct {
	dirs  map[node]*listing
	files map[node]*contents
}

// listing is what a directory has.
type listing struct {
	durable map[string]node
	pending []event // changes of its names
}

type contents struct{ durable, current []byte }

func newDisk() *disk {
	return &disk{map[node]*listing{ground: newListing()}, make(map[node]*contents)}
}

func newListing() *listing { return &listing{durable: make(map[string]node)} }

// happens lets one more event happen.
func (d *disk) happens(e event) {
	switch e.kind {
	case made:
		d.dirs[e.node] = newListing()
	case created:
		d.files[e.node] = new(contents)
	case wrote:
		f := d.files[e.node]
		end := e.at + len(e.data)
		if end > len(f.current) {
			f.current = append(slices.Clip(f.current), make([]byte, end-len(f.current))...)
		}
		copy(f.current[e.at:], e.data)
		return
	case synced:
		d.sync(e.node)
		return
	case flushed:
		for n := range d.dirs {
			d.sync(n)
		}
		for n := range d.files {
			d.sync(n)
		}
		return
	}
	dir := d.dirs[e.dir]
	dir.pending = append(slices.Clip(dir.pending), e)
}

func (d *disk) sync(n node) {
	if f := d.files[n]; f != nil {
		f.durable = f.current
		return
	}
	dir := d.dirs[n]
	dir.durable, dir.pending = dir.names(dir.pending), nil
}

// names are those of a directory when of the pending changes these have reached the disk. Each of them does so in whole or not at all.
func (dir *listing) names(kept []event) map[string]node {
	names := maps.Clone(dir.durable)
	for _, e := range kept {
		if e.kind == renamed {
			delete(names, e.from)
		}
		if e.kind == unlinked {
			delete(names, e.name)
		} else {
			names[e.name] = e.node
		}
	}
	return names
}

// fate is what becomes of that which was not synced when the power fails.
type fate struct {
	name  string
	names func(pending []event) []event        // those that are kept, of a directory
	bytes func(durable, current []byte) []byte // of a file
}

// image is what is found on the disk afterwards: the bytes by path, directories with a slash at the end.
type image map[string][]byte

func (d *disk) image(f fate) image {
	i := make(image)
	d.find(i, ground, "", f)
	return i
}

func (d *disk) find(i image, dir node, path string, f fate) {
	names := d.dirs[dir].names(f.names(d.dirs[dir].pending))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := names[name]
		if c := d.files[n]; c == nil {
			i[path+name+"/"] = nil
			d.find(i, n, path+name+"/", f)
		} else if c.durable = c.durable[:len(c.durable):len(c.durable)]; len(c.durable) == len(c.current) {
			i[path+name] = c.current
		} else {
			i[path+name] = f.bytes(c.durable, c.current)
		}
	}
}

// sum tells images apart.
func (i image) sum() [sha256.Size]byte {
	h := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(i)) {
		_, _ = fmt.Fprintf(h, "%s %d\n", path, len(i[path]))
		_, _ = h.Write(i[path])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// write makes the files below dir.
func (i image) write(dir string) error {
	for _, path := range slices.Sorted(maps.Keys(i)) {
		var err error
		if at := filepath.Join(dir, path); path[len(path)-1] == '/' {
			err = os.Mkdir(at, 0o700)
		} else {
			err = os.WriteFile(at, i[path], 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func allNames(pending []event) []event { return pending }
func noNames([]event) []event          { return nil }

func allBytes(_, current []byte) []byte { return current }
func noBytes(durable, _ []byte) []byte  { return durable }
func zeros(durable, current []byte) []byte {
	return append(durable, make([]byte, len(current)-len(durable))...)
}

// fates are the extreme ones, and some at random.
func fates(rng *rand.Rand, position, each int) []fate {
	all := []fate{
		{"all names, all bytes", allNames, allBytes},
		{"all names, no bytes", allNames, noBytes},
		{"all names, zeros", allNames, zeros},
		{"no names", noNames, noBytes},
	}
	for range each {
		last := position - rng.IntN(1+min(position, 8<<(8*rng.IntN(2)))) // of the last few, or of many
		all = append(all,
			fate{"all names, some bytes", allNames, someBytes(rng)},
			fate{"the first names, some bytes", func(pending []event) []event {
				return slices.DeleteFunc(slices.Clone(pending), func(e event) bool { return e.position >= last })
			}, someBytes(rng)},
			fate{"the first names of each directory, some bytes", func(pending []event) []event {
				return pending[:rng.IntN(len(pending)+1)]
			}, someBytes(rng)},
			fate{"some names, some bytes", func(pending []event) []event {
				return slices.DeleteFunc(slices.Clone(pending), func(event) bool { return rng.IntN(2) == 0 })
			}, someBytes(rng)},
		)
	}
	return all
}

// someBytes chooses for each file: all of its bytes, none, the first ones, those with zeros behind them, or some blocks among zeros.
func someBytes(rng *rand.Rand) func(durable, current []byte) []byte {
	return func(durable, current []byte) []byte {
		first := append(durable, current[len(durable):len(durable)+rng.IntN(len(current)-len(durable)+1)]...)
		switch rng.IntN(6) {
		case 0:
			return current
		case 1:
			return durable
		case 2:
			return first
		case 3:
			return zeros(first, current)
		}
		const block = 4096
		b := bytes.Clone(current)
		for at := len(durable); at < len(b); at += block - at%block {
			if rng.IntN(2) == 0 {
				clear(b[at:min(len(b), at-at%block+block)])
			}
		}
		return b
	}
}
