package main

import (
	"context"
	"errors"
	"fmt"
)

// A memoryScore is what one contender came to, one value for each round.
type memoryScore struct {
	library     memoryLibrary
	nanoseconds series // a call
	allocations series // a call
	hits        series // of the reads; NaN where there were none
}

// A memoryContender takes turns, in this process or in one of its own.
type memoryContender struct {
	library memoryLibrary
	turn    func() (memoryFigures, error)
	close   func() error
}

// raceMemory fills a store of each library and lets them take turns, in which each does the task. It tells by its own name who does what.
//
// Up to the middle scale all stores live in this process at once: then the heap is one as a service has it, and whoever allocates pays for a collector
// that looks at it. At the large scale that would be tens of millions of objects, and the collector's work for the others would drown what is
// measured, so there each contender is a process of its own, which lives through all rounds and waits while others have their turn. Its rounds are
// a third as many, since filling and collecting take their time.
func (b *bench) raceMemory(ctx context.Context, task memoryTask, libraries []memoryLibrary) (scores []memoryScore, err error) {
	task.Round = b.scale.round / memoryTurns
	apart, rounds := task.Capacity >= b.scale.large, b.scale.rounds
	if apart {
		rounds = (rounds + 2) / 3
	}
	b.logf("%s", titled(task.Work, task.Capacity, task.Cores))
	var contenders []memoryContender
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.close())
		}
	}()
	for _, l := range libraries {
		task.Store = l.name
		open := openHere
		if apart {
			open = openApart
		}
		c, err := open(ctx, l, task)
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, c)
	}
	return takeTurns(ctx, rounds, contenders)
}

// memoryTurns is how many turns of the memory comparisons are as long as one of the others: a call takes nanoseconds, and there are many contenders.
const memoryTurns = 6

// takeTurns lets the contenders take turns. The first turn of each warms up and does not count; who begins changes from round to round.
func takeTurns(ctx context.Context, rounds int, contenders []memoryContender) ([]memoryScore, error) {
	scores := make([]memoryScore, len(contenders))
	for i, c := range contenders {
		named := series{name: c.library.name}
		scores[i] = memoryScore{c.library, named, named, named}
	}
	for round := range 1 + rounds {
		for i := range contenders {
			k := (max(round-1, 0) + i) % len(contenders)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			f, err := contenders[k].turn()
			if err != nil {
				return nil, err
			}
			if round == 0 {
				continue
			}
			scores[k].nanoseconds.add(f.Nanoseconds)
			scores[k].allocations.add(f.Allocations)
			scores[k].hits.add(f.hitRatio())
		}
	}
	return scores, nil
}

func openHere(_ context.Context, l memoryLibrary, task memoryTask) (memoryContender, error) {
	r, err := newMemoryRun(l, task)
	if err != nil {
		return memoryContender{}, err
	}
	return memoryContender{
		library: l,
		turn:    func() (memoryFigures, error) { return r.turn(), nil },
		close:   func() error { r.close(); return nil },
	}, nil
}

func openApart(ctx context.Context, l memoryLibrary, task memoryTask) (memoryContender, error) {
	c, err := startChild(ctx, l.name, memoryCommand, task)
	if err != nil {
		return memoryContender{}, err
	}
	return memoryContender{
		library: l,
		turn:    func() (f memoryFigures, err error) { err = c.ask(&f); return f, err },
		close:   c.stop,
	}, nil
}

// score is that of the library of that name.
func score(scores []memoryScore, name string) memoryScore {
	for _, s := range scores {
		if s.library.name == name {
			return s
		}
	}
	return memoryScore{}
}

// best is the score with the lowest median of those that are chosen.
func best(scores []memoryScore, chosen func(memoryLibrary) bool) (found memoryScore) {
	for _, s := range scores {
		if chosen(s.library) && (found.library.name == "" || median(s.nanoseconds.values) < median(found.nanoseconds.values)) {
			found = s
		}
	}
	return found
}

func copying(l memoryLibrary) bool { return l.kind == library && l.traits.copies }

func sharing(l memoryLibrary) bool { return l.kind == library && !l.traits.copies }

func appending(l memoryLibrary) bool { return l.kind == library && l.traits.appends }

// timesAsFast is the line of the table that says how our score compares with the other.
func timesAsFast(what string, base, measured memoryScore, to target) result {
	return result{what: what + ": times as fast", base: base.nanoseconds, measured: measured.nanoseconds, unit: nanoseconds, inverse: true, target: to}
}

// allocates is the line that says that a call allocates nothing. What rounds to that is the harness's: a turn starts goroutines.
func allocates(what string, s memoryScore) result {
	return result{what: what + ": allocations a call", measured: s.allocations, unit: hundredths, target: target{valueAtMost, 0.0049}}
}

// titled is what was done to how many entries by how many goroutines.
func titled(work string, capacity, n int) string {
	return work + ", " + sized(capacity, n)
}

func sized(capacity, n int) string {
	return fmt.Sprintf("%s entries, %s", group(float64(capacity)), cores(n))
}

func cores(n int) string {
	if n == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", n)
}

// only leaves out the scores of other libraries than ours and those that are chosen.
func only(scores []memoryScore, chosen func(memoryLibrary) bool) (left []memoryScore) {
	for _, s := range scores {
		if s.library.kind == ours || chosen(s.library) {
			left = append(left, s)
		}
	}
	return left
}
