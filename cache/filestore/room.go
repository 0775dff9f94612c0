package filestore

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync/atomic"
)

const (
	// maxVictims is how many entries a sweep remembers to remove: those that expire first. They take some 7 MB, while it works.
	maxVictims = 65_536
	// slack is the part of MaxBytes that a sweep frees beyond what it must, so that the next is not needed at once.
	slack = 16
)

// room is what is known of MaxBytes: the files' bytes as the last sweep saw them, and what this process has written since.
type room struct {
	maxBytes  int64
	held      atomic.Int64
	written   atomic.Int64
	surveys   atomic.Int64 // that began
	evictions atomic.Int64
}

// grew counts what a write has added, and calls the sweeper when it is too much.
func (s *Store) grew(weight int64) {
	if s.room.maxBytes == 0 {
		return
	}
	if s.room.held.Load()+s.room.written.Add(weight) <= s.room.maxBytes {
		return
	}
	select {
	case s.sweeper.hurry <- struct{}{}:
	default:
	}
}

// survey is what a sweep finds out of MaxBytes.
type survey struct {
	maxBytes int64
	written  int64 // when it began
	number   int64
	held     int64
	victims  victims
}

// victim is an entry that may have to go.
type victim struct {
	shard            *shard
	name             string
	expires, created int64
	weight           int64
}

// before is the order in which they go: the earliest expiry first, among equals the one stored longest ago.
func (v victim) before(o victim) int {
	return cmp.Or(cmp.Compare(v.expires, o.expires), cmp.Compare(v.created, o.created))
}

// victims is a heap, the last to go on top.
type victims []victim

func (v victims) Len() int           { return len(v) }
func (v victims) Less(i, j int) bool { return v[i].before(v[j]) > 0 }
func (v victims) Swap(i, j int)      { v[i], v[j] = v[j], v[i] }
func (v *victims) Push(x any)        { *v = append(*v, x.(victim)) } //nolint:forcetypeassert // see add
func (v *victims) Pop() any {
	last := len(*v) - 1
	x := (*v)[last]
	*v = (*v)[:last]
	return x
}

func (r *room) begin() *survey {
	return &survey{maxBytes: r.maxBytes, written: r.written.Load(), number: r.surveys.Add(1)}
}

// add notes a file that stays for now.
func (y *survey) add(sh *shard, f *file) {
	if y.maxBytes == 0 {
		return
	}
	y.held += weight(f.size)
	if f.kind != whole { // of a newer version: it counts, but when it expires is not known
		return
	}
	v := victim{shard: sh, name: f.name, expires: f.expires, created: f.created, weight: weight(f.size)}
	if len(y.victims) < maxVictims {
		heap.Push(&y.victims, v)
	} else if v.before(y.victims[0]) < 0 {
		y.victims[0] = v
		heap.Fix(&y.victims, 0)
	}
}

// makeRoom removes the entries that expire first, where there are more bytes than there may be. One that cannot be removed is passed over.
func (s *Store) makeRoom(ctx context.Context, y *survey) error {
	if y.maxBytes == 0 {
		return nil
	}
	freed, err := int64(0), error(nil)
	if y.held > y.maxBytes {
		slices.SortFunc(y.victims, victim.before)
		for _, v := range y.victims {
			if y.held-freed <= y.maxBytes-y.maxBytes/slack {
				break
			}
			same := func(f *file) bool { return f.kind == whole && f.expires == v.expires && f.created == v.created }
			removed, _, failed := s.weed(ctx, v.shard, []file{{name: v.name}}, same)
			if len(removed) > 0 {
				freed += v.weight
				s.room.evictions.Add(1)
			}
			if err = cmp.Or(err, failed); failed != nil && !isTrouble(failed) {
				break
			}
		}
	}
	if s.room.surveys.Load() == y.number { // else another will say what is held
		s.room.held.Store(y.held - freed)
		s.room.written.Add(-y.written)
	}
	if freed > 0 && err == nil { // else the next would come to the same
		s.grew(0) // more than one sweep can remove, or than was written meanwhile
	}
	return err
}
