package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"net/url"
	"slices"
	"strconv"
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
	before := make([]Level, len(limits))
	d.Allowed = true
	var wait int64
	for i, l := range limits {
		before[i] = levels[i]
		if full := l.Period.Microseconds(); before[i].Micros >= full {
			before[i] = Level{Micros: full}
		}
		after[i] = l.add(before[i], l.Cost(cost))
		if over := l.over(after[i]); over > wait {
			wait, d.Limit, d.Allowed = over, i, false
		}
	}
	if !d.Allowed {
		after = before
	} else {
		for i, l := range limits {
			if l.remaining(after[i]) < limits[d.Limit].remaining(after[d.Limit]) {
				d.Limit = i
			}
		}
	}
	d.Remaining = limits[d.Limit].remaining(after[d.Limit])
	d.RetryAfter = time.Duration(wait) * time.Microsecond
	d.ResetAfter = time.Duration(ceil(after[d.Limit])) * time.Microsecond
	return after, d
}

// meterMagic is what the state of [Meter] begins with.
const meterMagic = "gcra1"

// Meter is Take for a store that keeps bytes: it takes cost from the limits, whose state is what the entry holds, nil where there is
// none. now is the store's clock in microseconds, 0 or more. If next is not nil it is to be stored for the lifetime ttl; a nil next leaves the entry
// as it is. The store makes reading, Meter and storing one atomic step. A state that Meter did not make is an error.
//
// The state is text: "gcra1", and for every limit that is not whole a space and
//
//	name:arrival:rest:requests
//
// with the name escaped as [url.QueryEscape] does, and the theoretical arrival time on the store's clock, in microseconds and rest/requests
// of one. Limits that are not among those of a call keep theirs, for 400 days at most. A limit whose Requests have changed has its rest
// rounded up.
func Meter(state []byte, now int64, limits []Limit, cost int64) (next []byte, ttl time.Duration, d Decision, err error) {
	kept, err := parseArrivals(state)
	if err != nil {
		return nil, 0, Decision{}, err
	}
	levels := make([]Level, len(limits))
	var others []arrival
	for _, a := range kept {
		i := indexOf(limits, a.name)
		switch {
		case a.at < now || a.at == now && a.rest == 0: // whole again
		case i < 0:
			others = append(others, a.within(now))
		default:
			levels[i] = a.level(now, limits[i])
		}
	}
	after, d := Decide(limits, levels, cost)
	if slices.Equal(after, levels) {
		return nil, 0, d, nil
	}
	for i, l := range limits {
		if after[i] != (Level{}) {
			others = append(others, arrival{name: l.Name, at: now + after[i].Micros, rest: after[i].Rest, of: l.Requests})
		}
	}
	next = []byte(meterMagic)
	var last int64
	for _, a := range others {
		next = fmt.Appendf(next, " %s:%d:%d:%d", url.QueryEscape(a.name), a.at, a.rest, a.of)
		last = max(last, ceil(Level{a.at, a.rest}))
	}
	return next, time.Duration(last-now) * time.Microsecond, d, nil
}

// arrival is the theoretical arrival time of one limit.
type arrival struct {
	name         string
	at, rest, of int64
}

func (a arrival) level(now int64, l Limit) Level {
	level := Level{Micros: a.at - now, Rest: a.rest}
	if a.of != l.Requests && a.rest > 0 {
		level = Level{Micros: min(level.Micros, maxPeriod.Microseconds()) + 1} // more is beyond the period in any case
	}
	return level
}

// within returns a, but no later than any limit's can be: it is, where the clock was set back.
func (a arrival) within(now int64) arrival {
	if latest := now + maxPeriod.Microseconds(); a.at >= latest {
		a.at, a.rest = latest, 0
	}
	return a
}

func indexOf(limits []Limit, name string) int {
	for i, l := range limits {
		if l.Name == name {
			return i
		}
	}
	return -1
}

func parseArrivals(state []byte) ([]arrival, error) {
	if state == nil {
		return nil, nil
	}
	fields := bytes.Split(state, []byte(" "))
	if string(fields[0]) != meterMagic {
		return nil, errNotMeter()
	}
	var all []arrival
	for _, field := range fields[1:] {
		parts := bytes.Split(field, []byte(":"))
		if len(parts) != 4 {
			return nil, errNotMeter()
		}
		name, err := url.QueryUnescape(string(parts[0]))
		if err != nil {
			return nil, errNotMeter()
		}
		a := arrival{name: name}
		for i, n := range []*int64{&a.at, &a.rest, &a.of} {
			if *n, err = strconv.ParseInt(string(parts[i+1]), 10, 64); err != nil || *n < 0 {
				return nil, errNotMeter()
			}
		}
		if a.rest > 0 && a.rest >= a.of {
			return nil, errNotMeter()
		}
		all = append(all, a)
	}
	return all, nil
}

func errNotMeter() error { return errors.New("the entry is not one that Take made") }
