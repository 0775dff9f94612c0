package cache

import (
	"math/bits"
	"time"
)

// The arithmetic of [Limiter]: the generic cell rate algorithm, in the form of virtual scheduling (ITU-T I.371, annex A), in whole
// numbers. A request moves a limit's theoretical arrival time, which is never before now, by Period/Requests; it is allowed while that
// does not go beyond now + Period. Period/Requests is seldom a whole number of microseconds: the rest is kept as a fraction over
// Requests, so that nothing drifts.

// Level is how much of a [Limit] is taken: the theoretical arrival time as seen from now, in microseconds and Rest/Requests of one.
// The zero Level is that of an idle key.
type Level struct {
	Micros int64 // 0 or more
	Rest   int64 // 0 to Requests-1
}

// Cost is what n requests add to a level, exactly: n·Period/Requests. n is 0 to Requests.
func (l Limit) Cost(n int64) Level {
	hi, lo := bits.Mul64(uint64(n), uint64(l.Period.Microseconds()))
	quo, rem := bits.Div64(hi, lo, uint64(l.Requests))
	return Level{Micros: int64(quo), Rest: int64(rem)}
}

func (l Limit) add(a, b Level) Level {
	sum := Level{Micros: a.Micros + b.Micros, Rest: a.Rest + b.Rest}
	if sum.Rest >= l.Requests {
		sum.Micros, sum.Rest = sum.Micros+1, sum.Rest-l.Requests
	}
	return sum
}

// over returns by how much the level exceeds the period, in microseconds rounded up; 0 where it does not.
func (l Limit) over(level Level) int64 {
	return max(0, ceil(level)-l.Period.Microseconds())
}

// remaining returns how many requests fit between the level, which is not beyond the period, and the period:
// floor((Period-level)·Requests/Period).
func (l Limit) remaining(level Level) int64 {
	period := l.Period.Microseconds()
	room := period - ceil(level) // in whole microseconds; what the rest leaves of one is added below
	hi, lo := bits.Mul64(uint64(room), uint64(l.Requests))
	if level.Rest > 0 {
		var carry uint64
		lo, carry = bits.Add64(lo, uint64(l.Requests-level.Rest), 0)
		hi += carry
	}
	n, _ := bits.Div64(hi, lo, uint64(period))
	return int64(n)
}

func ceil(level Level) int64 {
	if level.Rest > 0 {
		return level.Micros + 1
	}
	return level.Micros
}

// Decide takes cost from the limits, whose levels are given, or nothing if one of them lacks it: the decision, and the levels after it.
// It is for stores; what they are given has been checked by [Cache.Take]. A level beyond the period, as after the limit's period became
// shorter or the clock was set back, counts as the period; what differs afterwards is to be kept though nothing was taken, or else
// RetryAfter would pass and the level be beyond the period still.
func Decide(limits []Limit, levels []Level, cost int64) (after []Level, d Decision) {
	after = make([]Level, len(limits))
	return after, decide(limits, levels, after, cost)
}

// decide is Decide into memory of the caller's.
func decide(limits []Limit, levels, after []Level, cost int64) (d Decision) {
	d.Allowed = true
	var wait int64
	for i, l := range limits {
		after[i] = l.add(l.within(levels[i]), l.Cost(cost))
		if over := l.over(after[i]); over > wait {
			wait, d.Limit, d.Allowed = over, i, false
		}
	}
	if !d.Allowed {
		for i, l := range limits {
			after[i] = l.within(levels[i])
		}
	}
	d.Remaining = limits[d.Limit].remaining(after[d.Limit])
	for i := 1; d.Allowed && i < len(limits); i++ {
		if n := limits[i].remaining(after[i]); n < d.Remaining {
			d.Limit, d.Remaining = i, n
		}
	}
	d.RetryAfter = time.Duration(wait) * time.Microsecond
	d.ResetAfter = time.Duration(ceil(after[d.Limit])) * time.Microsecond
	return d
}

// within returns the level, but no more than the period.
func (l Limit) within(level Level) Level {
	if full := l.Period.Microseconds(); level.Micros >= full {
		return Level{Micros: full}
	}
	return level
}
