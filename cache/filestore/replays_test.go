package filestore

import (
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	replayers  = 4  // that work at once
	maxReports = 10 // of replays that went wrong: one fault shows in thousands
)

// replays are disks after a loss of power, each of which is checked.
type replays struct {
	t       *testing.T
	work    *recorded
	keys    []string
	disk    *disk // at the position
	next    int   // event that happens to it
	cuts    int
	made    int
	seen    map[seen]bool
	todo    chan replay
	workers sync.WaitGroup
	reports atomic.Int64
}

type replay struct {
	position int
	fate     string
	image    image
}

// seen is what makes a replay worth while: what is on the disk, and what should be.
type seen struct {
	image           [sha256.Size]byte
	returned, begun int
}

func newReplays(t *testing.T, w *recorded) *replays {
	t.Helper()
	r := &replays{t: t, work: w, keys: w.keys(), disk: newDisk(), seen: make(map[seen]bool), todo: make(chan replay)}
	for range replayers {
		dir := QuickDir(t)
		r.workers.Go(func() {
			for p := range r.todo {
				r.replay(filepath.Join(dir, strconv.Itoa(p.position)), p)
			}
		})
	}
	return r
}

// at has the power fail at a position, which is not before the last one, with each of some fates.
func (r *replays) at(position, each int) {
	for ; r.next < position; r.next++ {
		r.disk.happens(r.work.recorder.log[r.next])
	}
	r.cuts++
	s := seen{}
	for _, o := range r.work.done {
		if o.returned <= position {
			s.returned++
		}
		if o.began <= position {
			s.begun++
		}
	}
	for _, f := range fates(rand.New(rand.NewPCG(uint64(position), 0)), position, each) {
		i := r.disk.image(f)
		s.image = i.sum()
		if !r.seen[s] && r.reports.Load() < maxReports {
			r.seen[s] = true
			r.made++
			r.todo <- replay{position, f.name, i}
		}
	}
}

func (r *replays) replay(dir string, p replay) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.t.Error(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := p.image.write(dir); err != nil {
		r.t.Error(err)
		return
	}
	if faults := r.check(dir, p.position); len(faults) > 0 && r.reports.Add(1) <= maxReports {
		r.t.Errorf("%s, of what was not synced %s:\n%s", r.when(p.position), p.fate, strings.Join(faults[:min(len(faults), 3)], "\n"))
	}
}

// when tells a position of the log.
func (r *replays) when(position int) string {
	when := "at the beginning"
	if position > 0 {
		when = "after " + r.work.recorder.log[position-1].String()
	}
	for _, o := range r.work.done {
		if o.began <= position && position < o.returned {
			return when + ", in " + o.name
		}
	}
	return when
}

// end waits for the replays.
func (r *replays) end() {
	close(r.todo)
	r.workers.Wait()
	r.t.Logf("%d calls were recorded, the power failed at %d positions, in %d ways", len(r.work.recorder.log), r.cuts, r.made)
}
