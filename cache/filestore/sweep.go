package filestore

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Sweeper = (*Store)(nil)

const (
	// A routine sweep comes a second after the store was opened and a minute after the last one. It rests 49 times as long as it worked, which
	// is after each maxHeads files: so it takes one fiftieth of a processor, and looks at a million entries in some five minutes.
	firstSweep = time.Second
	sweepEvery = time.Minute
	restFactor = 49
	// tidyEvery is how long it takes at most until a store sees that its directory was replaced, and that another process has overwritten what it has
	// mapped. Each tenth time it undoes the mappings that nobody has used since, and looks whether somebody has removed or replaced the files of others.
	tidyEvery = time.Second
	idleAfter = 10
)

// sweeper is the background work of a store: one goroutine from Open to Close.
type sweeper struct {
	store *Store
	ctx   context.Context //nolint:containedctx // the store's own: done when it closes
	end   context.CancelFunc
	ended chan struct{}
	hurry chan struct{} // holds a token when the entries have grown past MaxBytes
	tick  *time.Ticker
	ticks int

	urgent bool // no rests: the sweep under way is to make room
}

func newSweeper(s *Store) *sweeper {
	w := &sweeper{store: s, ended: make(chan struct{}), hurry: make(chan struct{}, 1)}
	w.ctx, w.end = context.WithCancel(context.Background())
	return w
}

func (w *sweeper) run() {
	defer close(w.ended)
	w.tick = time.NewTicker(tidyEvery)
	defer w.tick.Stop()
	next := time.NewTimer(firstSweep)
	defer next.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.tick.C:
			w.tidy()
			continue
		case <-w.hurry:
			w.urgent = true
		case <-next.C:
			w.urgent = false
		}
		w.sweep()
		next.Reset(sweepEvery)
	}
}

// sweep is one of them. What fails is tried again with the next. Of the processes on a directory one makes a routine sweep at a time.
func (w *sweeper) sweep() {
	if !w.urgent {
		base, err := openBase(&w.store.sys, w.store.root, false, false)
		if err != nil {
			return
		}
		defer func() { _ = w.store.sys.close(base) }() // and gives the lock up
		if w.store.sys.tryLock(base) != nil {
			return
		}
	}
	_, _ = w.store.sweep(w.ctx, w.rest)
}

// rest lets others work, after the sweep has worked that long.
func (w *sweeper) rest(worked time.Duration) {
	if w.urgent {
		return
	}
	over := time.NewTimer(restFactor * worked)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return
		case <-w.ctx.Done():
			return
		case <-w.tick.C:
			w.tidy()
		case <-w.hurry:
			w.urgent = true
			return
		}
	}
}

func (w *sweeper) tidy() {
	w.ticks++
	w.store.tidy(w.ticks%idleAfter == 0)
}

// tidy gives back what is held for files and directories that have been removed or replaced.
func (s *Store) tidy(idle bool) {
	_ = s.shared.renew() // where it fails, so does each write
	s.mapped.age(s.shared.now.Load(), idle)
	if idle {
		s.mapped.doubt(s.isFile)
	}
	for _, sh := range s.shards {
		if d, open := sh.tryEnter(); open {
			sh.renew(d)
			d.leave()
		}
	}
}

// isFile tells whether the file of an entry is the one with that identity and size.
func (s *Store) isFile(h *hash, id fileID, size int64) bool {
	sh := s.shards[h.shard()]
	d, open := sh.tryEnter()
	if !open {
		return true // nobody can tell
	}
	defer d.leave()
	i, err := s.sys.stat(d.fd, h.name())
	return err == nil && i.id == id && i.size == size
}

// DeleteExpired removes the entries that have expired, and what is left of writes that were cut short. The number is right beside an error too.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	if err := s.begin(ctx); err != nil {
		return 0, opError("delete expired", "", err)
	}
	n, err := s.sweep(ctx, func(time.Duration) {})
	return n, opError("delete expired", "", err)
}

// sweep looks at the heads of all files, removes those that nobody needs, and where the others are larger than MaxBytes those that expire first. It returns how many
// of the removed were expired entries, and calls rest after each step with the time that it took.
func (s *Store) sweep(ctx context.Context, rest func(worked time.Duration)) (expired int, err error) {
	begun := clock()
	room := s.room.begin()
	for _, sh := range s.shards {
		n, failed := s.sweepShard(ctx, sh, rest, func(f *file) { room.add(sh, f) })
		expired += n
		// One shard that cannot be used must not keep the others full; but a disk that does not answer is not asked for each.
		if err = cmp.Or(err, failed); failed != nil && !isTrouble(failed) {
			return expired, err
		}
	}
	if err == nil {
		s.failed.forgetBelow("", begun)
	}
	return expired, errors.Join(err, s.makeRoom(ctx, room))
}

func (s *Store) sweepShard(ctx context.Context, sh *shard, rest func(worked time.Duration), keep func(f *file)) (expired int, err error) {
	begun := time.Now()
	names, err := s.names(ctx, sh)
	for len(names) > 0 && (err == nil || isTrouble(err)) {
		files, left, failed := s.heads(ctx, sh, names)
		names = left
		for i := range files {
			if f := &files[i]; !s.useless(f) {
				keep(f)
			}
		}
		n, failedToo := s.weedAll(ctx, sh, matching(files, s.useless), s.useless, func(f *file) bool { return f.kind == whole && isEntry(f.name) })
		expired += n
		err = worse(err, worse(failed, failedToo))
		rest(time.Since(begun))
		begun = time.Now()
	}
	return expired, err
}

// useless tells whether a file of ours is nobody's any more. A temporary one is: it is asked with the lock.
func (s *Store) useless(f *file) bool {
	switch {
	case f.isTemporary() || f.kind == damaged:
		return true
	case f.kind == whole:
		return f.expires <= clock() || s.failed.covers(f.key, f.created)
	}
	return false
}
