package filestore

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

var (
	_ cache.Appender = (*Store)(nil)
	_ cache.Toucher  = (*Store)(nil)
)

// entry is what a file was found to be.
type entry struct {
	head

	there  bool // there is a file at all
	denied bool // and it may not be read
	kind   kind
	key    string
	value  []byte
}

// Get returns the value under key.
func (s *Store) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	value, found, err = s.get(ctx, nil, key)
	return value, found, opError("get", key, err)
}

// GetAppend appends the value under key to dst.
func (s *Store) GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	value, found, err = s.get(ctx, dst, key)
	return value, found, opError("get", key, err)
}

func (s *Store) get(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	if err := s.begin(ctx); err != nil {
		return dst, false, err
	}
	h := hashOf(key)
	if value, _, hit := s.hit(dst, key, &h, true); hit {
		if value == nil {
			value = []byte{}
		}
		return value, true, nil
	}
	e, err := s.look(ctx, key, &h)
	switch {
	case err != nil:
		return dst, false, err
	case e == nil:
		return dst, false, nil
	case dst == nil:
		return e.value, true, nil
	}
	return append(dst, e.value...), true, nil
}

// Exists tells whether there is an entry under key. It reads all of it: one that is damaged is not there.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	_, found, err := s.lifetime(ctx, key)
	return found, opError("exists", key, err)
}

// TTL returns what remains of the lifetime of the entry under key. It reads all of it.
func (s *Store) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	ttl, found, err = s.lifetime(ctx, key)
	return ttl, found, opError("ttl", key, err)
}

func (s *Store) lifetime(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, false, err
	}
	h := hashOf(key)
	if _, ttl, hit := s.hit(nil, key, &h, false); hit {
		return ttl, true, nil
	}
	e, err := s.look(ctx, key, &h)
	if err != nil || e == nil {
		return 0, false, err
	}
	return max(1, e.ttl(clock())), true, nil // it was there when look had looked
}

// hit reads an entry whose file is mapped, if it has not changed: without a system call, so that no lock and no disk keeps it waiting but for pages that
// the system has given up. Whatever is not as it should be is looked at by look.
func (s *Store) hit(dst []byte, key string, h *hash, wanted bool) (value []byte, ttl time.Duration, hit bool) {
	f, slot, found := s.mapped.take(h)
	if !found {
		return dst, 0, false
	}
	value, head, ok := f.read(dst, key, wanted)
	s.mapped.give(slot, !ok)
	if !ok {
		return dst, 0, false
	}
	if ttl = head.ttl(clock()); ttl <= 0 || s.failed.covers(key, head.created) {
		return dst, 0, false
	}
	return value, ttl, true
}

// look reads the entry of a key from its file, nil where there is none.
func (s *Store) look(ctx context.Context, key string, h *hash) (*entry, error) {
	p := s.place(key, h)
	type seen struct {
		entry   *entry
		expired bool
	}
	found, err := run(ctx, s, nil, func(ctx context.Context) (seen, error) {
		e, err := s.find(p)
		if err != nil {
			return seen{}, err
		}
		switch now := clock(); {
		case s.live(e, now):
			return seen{entry: e}, nil
		case e.there && e.kind == whole && now >= e.expires:
			return seen{expired: true}, nil
		case s.dead(e, now):
			// Nobody renews it: it is left there where the lock is not to be had at once.
			if d, locked := p.shard.tryLock(ctx); locked {
				defer p.shard.pass()
				defer d.unlock()
				e, _ = s.buried(d, p) // what it cannot read is absent too
				return seen{entry: e}, nil
			}
		}
		return seen{}, nil
	})
	if err != nil || !found.expired {
		return found.entry, err
	}
	return run(ctx, s, p.shard, func(ctx context.Context) (*entry, error) { return s.bury(ctx, p) })
}

// bury removes what look found expired. A writer may be renewing it at that moment, and they must agree: whoever has the lock looks once more.
func (s *Store) bury(ctx context.Context, p place) (*entry, error) {
	d, err := p.shard.lock(ctx, false)
	if _, ok := errors.AsType[*refusal](err); ok || errors.Is(err, errNoShard) {
		return nil, nil //nolint:nilnil // nothing is there, or nobody can renew it
	}
	if err != nil {
		return nil, err
	}
	defer d.unlock()
	return s.buried(d, p)
}

func (s *Store) buried(d *directory, p place) (*entry, error) {
	e, err := s.read(d, p)
	if err != nil {
		return nil, err
	}
	now := clock()
	if s.live(e, now) {
		return e, nil
	}
	if s.dead(e, now) {
		_ = s.remove(d, p) // where it cannot be removed, it still is dead
	}
	return nil, nil //nolint:nilnil // nothing is there
}

// find is read without the lock. A shard that was removed under the store is opened anew.
func (s *Store) find(p place) (*entry, error) {
	for range 3 {
		d, err := p.shard.enter(false)
		if errors.Is(err, errNoShard) {
			return &entry{}, nil
		}
		if err != nil {
			return nil, err
		}
		e, err := s.read(d, p)
		gone := false
		if err == nil && !e.there {
			i, err := s.sys.fstat(d.fd)
			gone = err != nil || i.links == 0
		}
		if gone {
			p.shard.renew(d)
		}
		d.leave()
		if !gone {
			return e, err
		}
	}
	return &entry{}, nil
}

// read reads the file of a key in a directory that was entered. What is there is no entry of the key unless its kind is whole.
func (s *Store) read(d *directory, p place) (*entry, error) {
	wanted := s.mapped.wants(&p.hash)
	var g *generations
	var generation uint64
	if wanted { // before the file is opened: what is changed from now on has another generation
		g = s.shared.now.Load()
		generation = g.of(p.hash.word())
	}
	file, e, err := s.openFile(d, p.name)
	if file < 0 {
		return e, err
	}
	defer func() { _ = s.sys.close(file) }()
	i, err := s.sys.fstat(file)
	if err != nil {
		return nil, unavailable("the entry's file cannot be looked at", err)
	}
	if i.mode != 0 || i.size > maxFileLen {
		return &entry{there: true, kind: foreign}, nil
	}
	b, err := s.readAll(file, int(i.size))
	if err != nil {
		return nil, unavailable("the entry's file cannot be read", err)
	}
	e = &entry{there: true, key: p.key}
	if e.head, e.kind = decodeHead(b, i.size); e.kind != whole {
		return e, nil
	}
	if string(e.keyIn(b)) != p.key {
		e.kind = foreign // the file of another key, copied here
		return e, nil
	}
	e.value = e.valueIn(b)
	if sum(e.value) != e.valueSum {
		e.kind, e.value = damaged, nil
		return e, nil
	}
	if wanted && generation != unusable && s.live(e, clock()) {
		s.mapped.add(d, &p.hash, file, i, g, generation)
	}
	return e, nil
}

// openFile opens the file of an entry. If there is none to be read file is -1, and e tells what there is.
func (s *Store) openFile(d *directory, name string) (file int, e *entry, err error) {
	file, err = s.sys.open(d.fd, name)
	switch {
	case err == nil:
		return file, nil, nil
	case errors.Is(err, errNoEntry):
		return -1, &entry{}, nil
	case errors.Is(err, errLink) || errors.Is(err, errIsDir):
		return -1, &entry{there: true, kind: foreign}, nil
	}
	// A file that only somebody else may read is none of ours; a directory that nobody may look into any more is trouble.
	if i, statErr := s.sys.stat(d.fd, name); statErr == nil && (errors.Is(err, errDenied) || i.mode != 0) {
		return -1, &entry{there: true, denied: i.mode == 0, kind: foreign}, nil
	}
	return -1, nil, unavailable("the entry's file cannot be opened", err)
}

// readAll reads up to size bytes. There are fewer where somebody cuts the file short.
func (s *Store) readAll(file, size int) ([]byte, error) {
	b := make([]byte, size)
	n := 0
	for n < size {
		m, err := s.sys.read(file, b[n:], int64(n))
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return b[:n], nil
}

// live tells whether e is an entry to be used. Whoever asks reads the clock after the file: with an earlier time it might use what others have seen gone.
func (s *Store) live(e *entry, now int64) bool {
	return e.there && e.kind == whole && now < e.expires && !s.failed.covers(e.key, e.created)
}

// dead tells whether e is a file of ours that nobody needs.
func (s *Store) dead(e *entry, now int64) bool {
	return e.there && (e.kind == damaged || e.kind == whole && !s.live(e, now))
}
