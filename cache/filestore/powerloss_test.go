package filestore

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// A store is recorded while it works. Then the disk is made as it would be had the power failed after each of the system calls, with more or less of what had not been
// synced, and a new store is opened on it. All of it is in a bubble, where no time passes unless it is said so: no deadline, no sweep, lifetimes are exact.
func TestWhatIsKeptWhenThePowerFails(t *testing.T) {
	for _, tc := range []struct {
		sync Sync
		each int // fates of each kind that are chosen at random, after each system call
	}{{SyncFull, 3}, {SyncFile, 1}, {SyncNone, 1}} {
		t.Run("Sync: "+tc.sync.String(), func(t *testing.T) {
			base := QuickDir(t)
			synctest.Test(t, func(t *testing.T) {
				w := openRecorded(t, base, "store", tc.sync)
				w.work("first")
				if tc.sync != SyncFull {
					w.recorder.flush()
				}
				w.work("second")
				w.close()
				r := newReplays(t, w)
				r.everywhere(tc.each)
				r.end()
			})
		})
	}
}

func TestSyncFullKeepsADirectoryThatOpenMade(t *testing.T) {
	for _, root := range []string{"store", "caches/store", "var/caches/store"} {
		t.Run(root, func(t *testing.T) {
			base := QuickDir(t)
			synctest.Test(t, func(t *testing.T) {
				w := openRecorded(t, base, root, SyncFull)
				w.must(w.set("key", 10, cache.Forever))
				w.close()
				r := newReplays(t, w)
				r.everywhere(1)
				r.end()
			})
		})
	}
}

// What a call changed that could not be synced, or whose process was killed before, is there to be seen but may be lost: one that is made afterwards and finds
// nothing to do has to sync it too.
func TestSyncFullKeepsWhatIsDoneOnceMoreAfterASyncFailed(t *testing.T) {
	const key, other = "@ns:key", "other"
	for name, call := range map[string]func(w *recorded) error{
		"Set":                          func(w *recorded) error { return w.set(key, 10, cache.Forever) },
		"SetMany":                      func(w *recorded) error { return w.setMany(10, key) },
		"Delete":                       func(w *recorded) error { return w.delete(key) },
		"DeleteMany":                   func(w *recorded) error { return w.deleteMany(key) },
		"Clear":                        func(w *recorded) error { return w.clear("@ns:") },
		"the first Set in a directory": func(w *recorded) error { return w.set(other, 10, cache.Forever) },
	} {
		for _, again := range []string{"by the same store", "by another one"} {
			t.Run(name+" "+again, func(t *testing.T) {
				base := QuickDir(t)
				synctest.Test(t, func(t *testing.T) {
					w := openRecorded(t, base, "store", SyncFull)
					w.must(w.set(key, 10, cache.Forever))
					<-time.After(1)
					w.recorder.refuseNames(true)
					if err := call(w); err == nil {
						t.Fatal("it gave no error though the directory was not synced")
					}
					w.recorder.refuseNames(false)
					if again == "by another one" {
						w.close()
						w.reopen()
					}
					<-time.After(1)
					w.must(call(w))
					w.close()
					r := newReplays(t, w)
					r.at(w.recorder.position(), 3)
					r.end()
				})
			})
		}
	}
}

// work makes every kind of call that changes something, on keys in several directories.
func (w *recorded) work(part string) {
	k := func(name string) string { return inFew(part + " " + name) }
	for i, size := range []int{0, 1, 4096 - headerLen, 20_000, 100 << 10} {
		w.must(w.set(k(fmt.Sprint("new", i)), size, cache.Forever))
	}
	for i := range 3 {
		w.must(w.set(inFew("overwritten"), 5000*i, time.Hour))
	}
	w.must(w.set(inFew(fmt.Sprint("overwritten", len(part)%2)), 300, time.Hour))
	w.must(w.add(k("added"), 9000, cache.Forever))
	w.must(w.add(inFew("overwritten"), 10, cache.Forever))
	w.must(w.increment(inFew("count"), 3, time.Hour))
	w.must(w.increment(inFew("count"), 4, cache.Forever))
	w.must(w.swap(inFew("overwritten"), 6000))
	w.must(w.touch(inFew("overwritten"), 2*time.Hour))
	w.must(w.renew(inFew("overwritten"), 3*time.Hour))
	w.must(w.renew(inFew("count"), 3*time.Hour))
	batch := []string{inFew("batch1"), inFew("batch2"), k("batch3"), k("batch4"), k("batch5")}
	w.must(w.setMany(2000, batch...))
	w.must(w.deleteMany(batch[1], k("nothing"), batch[3]))
	w.must(w.delete(batch[0]))
	w.must(w.delete(k("nothing")))
	w.must(w.set(batch[0], 700, 4*time.Hour))
	w.must(w.compareAndDelete(batch[4]))
	for i := range 4 {
		w.must(w.set("@ns:"+inFew(fmt.Sprint("member", i)), 100, cache.Forever))
	}
	w.must(w.clear("@ns:"))
	w.must(w.set("@ns:"+inFew("member0"), 100, cache.Forever))
	w.must(w.set(k("brief"), 100, 1))
	w.must(w.set(k("new1"), 5000, 1))
	<-time.After(2)
	w.must(w.deleteExpired())
	w.must(w.set(k("brief"), 50, cache.Forever))
}

// inFew returns a key that begins with name, and is in one of four shards.
func inFew(name string) string {
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s#%d", name, i)
		if h := hashOf(key); h.shard()%16 == 0 {
			return key
		}
	}
}

// everywhere replays every position of the log.
func (r *replays) everywhere(each int) {
	for position := range len(r.work.recorder.log) + 1 {
		r.at(position, each)
	}
}

// allowed are the states in which the entry of key may be after the power failed at a position.
func (r *replays) allowed(key string, position int) []state {
	from := position // what was done until then is there
	if r.work.sync != SyncFull {
		from = 0
		for _, e := range r.work.recorder.log[:position] {
			if e.kind == flushed {
				from = e.position
			}
		}
	}
	states := []state{{}}
	for _, o := range r.work.done {
		s, concerned := o.leaves[key]
		switch {
		case !concerned || o.began > position:
		case o.returned <= from:
			states = []state{s}
		default:
			states = append(states, s)
		}
	}
	if r.work.sync == SyncNone && len(states) > 1 {
		states = append(states, state{})
	}
	return states
}

// check opens a store on what the power left, and tells what is not as it should be.
func (r *replays) check(dir string, position int) (faults []string) {
	fault := func(format string, a ...any) { faults = append(faults, fmt.Sprintf(format, a...)) }
	sys := hasty()
	ctx := r.t.Context()
	s, err := openWith(sys, filepath.Join(dir, r.work.root), Patient(&Options{Sync: r.work.sync}))
	if err != nil {
		return []string{"Open: " + err.Error()}
	}
	defer func() { _ = s.Close() }()
	for _, key := range r.keys {
		value, found, err := s.Get(ctx, key)
		ttl, foundTTL, errTTL := s.TTL(ctx, key)
		got := state{found, string(value), expiry(clock(), ttl)}
		if !found {
			got.expires = 0
		}
		if err != nil || errTTL != nil || found != foundTTL {
			fault("Get(%q): %t, %v; TTL: %t, %v", key, found, err, foundTTL, errTTL)
		} else if states := r.allowed(key, position); !slices.Contains(states, got) {
			fault("Get(%q) = %v; want one of %v", key, got, states)
		}
	}
	for key, err := range s.Keys(ctx, "") {
		if err != nil || !slices.Contains(r.keys, key) {
			fault("Keys yields %q, %v", key, err)
		}
	}
	if _, err := s.DeleteExpired(ctx); err != nil {
		fault("DeleteExpired: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, r.work.root, layout, "*", "*"+temporary))
	if len(left) > 0 {
		fault("DeleteExpired left %q", left)
	}
	for _, key := range r.keys {
		if err := s.Set(ctx, key, []byte("afterwards"), cache.Forever); err != nil {
			fault("Set(%q) afterwards: %v", key, err)
		}
		if value, found, err := s.Get(ctx, key); string(value) != "afterwards" || err != nil {
			fault("Get(%q) afterwards: %.20q, %t, %v", key, value, found, err)
		}
	}
	return faults
}

// hasty returns system calls that leave the disk alone, as far as they can: ext4 writes a file at once that is put in the place of another.
func hasty() system {
	sys := direct()
	s := sys
	s.sync = func(int) error { return nil }
	s.rename = func(dir int, from, to string) error {
		_ = sys.unlink(dir, to)
		return sys.rename(dir, from, to)
	}
	return s
}

// keys are all that were used.
func (w *recorded) keys() []string {
	all := make(map[string]bool)
	for _, o := range w.done {
		for key := range o.leaves {
			all[key] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// value returns one of that size, which no other has, and no zero in it.
func (w *recorded) value(size int) []byte {
	w.values++
	stamp := fmt.Sprintf("value %d,", w.values)
	return bytes.Repeat([]byte(stamp), size/len(stamp)+1)[:size]
}

func (s state) String() string {
	if !s.found {
		return "nothing"
	}
	return fmt.Sprintf("%d bytes %.12q to %d", len(s.value), s.value, s.expires)
}
