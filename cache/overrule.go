package cache

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// stripes is how many counters those who write share. A load that begins while another key of its stripe is being written is not stored, which costs a miss.
const stripes = 64

// writers are who is writing, for the loads that begin meanwhile: they may have read what was there before, and must not store it.
type writers struct {
	seed    maphash.Seed
	ofKeys  [stripes]atomic.Int32
	ofOther atomic.Int32 // of several keys at once
}

func (w *writers) of(k string) *atomic.Int32 { return &w.ofKeys[maphash.String(w.seed, k)%stripes] }

// isWritten tells whether somebody may be writing k.
func (w *writers) isWritten(k string) bool { return w.of(k).Load() > 0 || w.ofOther.Load() > 0 }

// write calls do, which writes k. Loads of k that are under way, or begin meanwhile, store nothing from when it is called on, and who comes after it waits for none of them. One that
// is storing already is waited for; if ctx is done before, do is not called, and what that one stores is deleted.
func (l *flights) write(ctx context.Context, k string, do func() error) error {
	n := l.of(k)
	n.Add(1)
	defer n.Add(-1)
	if err := l.overrule(ctx, k); err != nil {
		return err
	}
	err := do()
	l.shutAll(k)
	return err
}

// writeAll is write for the keys that match, and a do that writes several.
func (l *flights) writeAll(ctx context.Context, match func(f *flight) bool, do func() error) error {
	l.ofOther.Add(1)
	defer l.ofOther.Add(-1)
	if err := l.settle(ctx, l.overruleMatching(match)); err != nil {
		return err
	}
	err := do()
	l.overruleMatching(match)
	return err
}

// writeMany is write for several keys.
func (l *flights) writeMany(ctx context.Context, ks []string, do func() error) error {
	return l.writeAll(ctx, func(f *flight) bool { return slices.Contains(ks, f.k) }, do)
}

// overrule keeps the loads of k from storing, and waits for those that are.
func (l *flights) overrule(ctx context.Context, k string) error {
	if l.count.Load() == 0 {
		return nil
	}
	l.mu.Lock()
	those := slices.Clone(l.active[k])
	for _, f := range those {
		f.overruled.Store(true)
		l.shut(f)
	}
	l.mu.Unlock()
	return l.settle(ctx, those)
}

// shutAll makes the next caller of k begin another load.
func (l *flights) shutAll(k string) {
	if l.count.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.active[k] {
		l.shut(f)
	}
}

// overruleMatching keeps the loads that match from storing, and returns them.
func (l *flights) overruleMatching(match func(f *flight) bool) []*flight {
	if l.count.Load() == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var those []*flight
	for _, all := range l.active {
		for _, f := range all {
			if match(f) {
				f.overruled.Store(true)
				l.shut(f)
				those = append(those, f)
			}
		}
	}
	return those
}

// settle waits until none of the flights is storing. Where there is no time for that what they store is to be deleted.
func (l *flights) settle(ctx context.Context, flights []*flight) error {
	for i, f := range flights {
		select {
		case f.turn <- struct{}{}:
			<-f.turn
			continue
		default:
		}
		select {
		case f.turn <- struct{}{}:
			<-f.turn
		case <-ctx.Done():
			l.mu.Lock()
			for _, f := range flights[i:] {
				f.undo = f.undo || !f.retired && len(f.turn) > 0
			}
			l.mu.Unlock()
			return ctx.Err()
		}
	}
	return nil
}

// below matches the loads of keys that a Clear of c takes.
func (c *Cache) below(f *flight) bool { return strings.HasPrefix(f.k, c.prefix) }

// taggedWith matches the loads whose values will have one of the markers.
func taggedWith(markers []string) func(f *flight) bool {
	return func(f *flight) bool {
		return slices.ContainsFunc(f.markers, func(k string) bool { return slices.Contains(markers, k) })
	}
}
