package filestore

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// maxHeads is how many files are looked at in one step.
const maxHeads = 256

// file is what the head of a file says.
type file struct {
	head

	name string
	key  string // of a whole one
	kind kind
	size int64

	regular bool // neither a directory nor a link nor the like, as far as can be seen
	denied  bool // it may not be read
}

// isTemporary tells whether the file is one that is being written, or was. Where there is a directory of that name, or the like, it is not.
func (f *file) isTemporary() bool { return f.regular && isTemporary(f.name) }

// names lists the files in a shard that have a name of a store's. With the lock held for that moment it is exact: what is overwritten
// meanwhile is in it once.
func (s *Store) names(ctx context.Context, sh *shard) ([]string, error) {
	return run(ctx, s, sh, func(ctx context.Context) ([]string, error) {
		d, err := sh.lock(ctx, false)
		if errors.Is(err, errNoShard) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		defer d.unlock()
		names, err := s.sys.list(d.fd)
		if err != nil {
			return nil, unavailable("a directory cannot be listed", err)
		}
		ours := names[:0]
		for _, name := range names {
			if isEntry(name) || isTemporary(name) {
				ours = append(ours, name)
			}
		}
		return ours, nil
	})
}

// isEntry tells whether name can be that of an entry's file.
func isEntry(name string) bool { return len(name) == 64 && isHex(name) }

// hashIn returns the hash that the name of an entry's file is.
func hashIn(name string) *hash {
	var h hash
	_, _ = hex.Decode(h[:], []byte(name)) // it has been looked at
	return &h
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// heads reads the heads of the first of the files, as many as one step has time for, and returns the names that are left. Those that are gone, and
// foreign ones, are left out. An error that isTrouble is about some of the files, and the others are returned beside it.
func (s *Store) heads(ctx context.Context, sh *shard, names []string) (files []file, rest []string, err error) {
	type step struct {
		files []file
		rest  []string
	}
	done, err := run(ctx, s, nil, func(ctx context.Context) (step, error) {
		d, err := sh.enter(false)
		if err != nil {
			if errors.Is(err, errNoShard) {
				err = nil
			}
			return step{}, err
		}
		defer d.leave()
		begun := time.Now()
		buffer := make([]byte, headerLen+maxKeyLen)
		var files []file
		var trouble error // of some files: the others are looked at
		for n, name := range names {
			if n == maxHeads || time.Since(begun) > s.timeout/4 {
				return step{files, names[n:]}, cmp.Or(ctx.Err(), trouble)
			}
			f, err := s.headOf(d, name, buffer)
			switch {
			case err != nil:
				trouble = cmp.Or(trouble, err)
			case f != nil && f.denied: // it may well be an entry
				trouble = cmp.Or(trouble, unavailable("an entry's file cannot be opened", errDenied))
			case f != nil && (f.kind != foreign || f.isTemporary()):
				files = append(files, *f)
			}
		}
		return step{files, nil}, trouble
	})
	return done.files, done.rest, err
}

// headOf reads the head of a file in a directory that was entered, nil where there is none. The buffer has headerLen+maxKeyLen bytes, or is nil.
func (s *Store) headOf(d *directory, name string, buffer []byte) (*file, error) {
	fd, e, err := s.openFile(d, name)
	if err != nil {
		return nil, err
	}
	if fd < 0 {
		if !e.there {
			return nil, nil //nolint:nilnil // there is none
		}
		return &file{name: name, kind: foreign, denied: e.denied}, nil
	}
	defer func() { _ = s.sys.close(fd) }()
	i, err := s.sys.fstat(fd)
	if err != nil {
		return nil, unavailable("an entry's file cannot be looked at", err)
	}
	f := &file{name: name, kind: foreign, size: i.size}
	if f.regular = i.mode == 0; !f.regular {
		return f, nil
	}
	if buffer == nil {
		buffer = make([]byte, headerLen+maxKeyLen)
	}
	n, err := s.sys.read(fd, buffer[:min(int64(len(buffer)), i.size)], 0)
	if err != nil {
		return nil, unavailable("an entry's file cannot be read", err)
	}
	b := buffer[:n]
	if f.head, f.kind = decodeHead(b, i.size); f.kind == foreign && blank(b) && i.size <= maxFileLen {
		all, err := s.readAll(fd, int(i.size))
		if err != nil {
			return nil, unavailable("an entry's file cannot be read", err)
		}
		f.head, f.kind = decodeHead(all, i.size)
	}
	if f.kind == whole {
		if f.key = string(f.keyIn(b)); isEntry(name) && !isPlace(d, name, f.key) {
			f.kind = foreign // the file of another key, copied here
		}
	}
	return f, nil
}

// isPlace tells whether the entry of key belongs there.
func isPlace(d *directory, name, key string) bool {
	h := hashOf(key)
	return h.name() == name && h.shard() == d.shard
}

// weed removes the first of the files, as many as one step has time for, which still match when they are looked at with the lock. It returns how many of them were
// removed, and the files that are left. An error that isTrouble is about some of the files. With none it syncs what was removed before.
func (s *Store) weed(ctx context.Context, sh *shard, files []file, match func(f *file) bool) (removed []file, rest []file, err error) {
	type step struct{ removed, rest []file }
	done, err := run(ctx, s, sh, func(ctx context.Context) (step, error) {
		d, err := sh.lock(ctx, false)
		if err != nil {
			if errors.Is(err, errNoShard) {
				err = nil
			}
			return step{}, err
		}
		defer d.unlock()
		begun := time.Now()
		buffer := make([]byte, headerLen+maxKeyLen)
		done := step{}
		var trouble error // with some files: the others are removed
		for n, seen := range files {
			if n > 0 && time.Since(begun) > maxHold {
				done.rest = files[n:]
				break
			}
			f, err := s.headOf(d, seen.name, buffer)
			if err != nil {
				trouble = cmp.Or(trouble, err)
				continue
			}
			if f == nil || f.kind == foreign && !f.isTemporary() || !match(f) {
				continue
			}
			unlink := func() error { return s.sys.unlink(d.fd, f.name) }
			if isEntry(f.name) {
				err = s.change(hashIn(f.name), unlink)
			} else {
				err = unlink()
			}
			if err != nil && !errors.Is(err, errNoEntry) {
				trouble = cmp.Or(trouble, unavailable("an entry's file cannot be removed", err))
				continue
			}
			done.removed = append(done.removed, *f)
		}
		if len(files) > 0 && len(done.removed) == 0 {
			return done, trouble
		}
		return done, cmp.Or(trouble, s.syncNames(d))
	})
	return done.removed, done.rest, err
}

// maxHold is how long writers wait for a batch of removals.
const maxHold = 5 * time.Millisecond

// weedAll is weed for all of the files, and counts those of the removed that count.
func (s *Store) weedAll(ctx context.Context, sh *shard, files []file, match, counts func(f *file) bool) (n int, err error) {
	for len(files) > 0 {
		removed, rest, failed := s.weed(ctx, sh, files, match)
		for i := range removed {
			if counts(&removed[i]) {
				n++
			}
		}
		if err = cmp.Or(err, failed); failed != nil && !isTrouble(failed) {
			return n, err
		}
		files = rest
	}
	return n, err
}
