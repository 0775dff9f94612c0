package cache_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// model is the rule in fractions: a theoretical arrival time each limit, and nothing rounded but what a Decision says.
type model map[string]*big.Rat

func (m model) take(now int64, limits []cache.Limit, cost int64) (d cache.Decision) {
	levels, over := make([]*big.Rat, len(limits)), new(big.Rat)
	for i, l := range limits {
		levels[i] = new(big.Rat)
		if at := m[l.Name]; at != nil {
			levels[i].Sub(at, big.NewRat(now, 1))
		}
		if levels[i].Sign() < 0 {
			levels[i].SetInt64(0)
		}
		after := new(big.Rat).Add(levels[i], fraction(cost, l))
		if by := after.Sub(after, big.NewRat(l.Period.Microseconds(), 1)); by.Cmp(over) > 0 && ceil(by) > ceil(over) {
			over, d.Limit = by, i
		}
	}
	d.RetryAfter = time.Duration(ceil(over)) * time.Microsecond
	d.Allowed = over.Sign() == 0
	remaining := func(i int) int64 {
		room := new(big.Rat).Sub(big.NewRat(limits[i].Period.Microseconds(), 1), levels[i])
		room.Mul(room, big.NewRat(limits[i].Requests, limits[i].Period.Microseconds()))
		return floor(room)
	}
	if d.Allowed {
		for i, l := range limits {
			levels[i].Add(levels[i], fraction(cost, l))
			m[l.Name] = new(big.Rat).Add(levels[i], big.NewRat(now, 1))
		}
		for i := range limits {
			if remaining(i) < remaining(d.Limit) {
				d.Limit = i
			}
		}
	}
	d.Remaining = remaining(d.Limit)
	d.ResetAfter = time.Duration(ceil(levels[d.Limit])) * time.Microsecond
	return d
}

func TestEveryDecisionIsThatOfTheRuleInFractions(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 2))
		limits := randomLimits(random)
		m, rule := &meter{t: t, now: magnitude(random, 1<<52)}, model{}
		for step := range 40 {
			cost := randomCost(random, limits)
			got, want := m.take(limits, cost), rule.take(m.now, limits, cost)
			if got != want {
				t.Fatalf("seed %d, step %d: %v, cost %d: %+v; want %+v", seed, step, limits, cost, got, want)
			}
			m.now += randomGap(random, limits, got)
		}
	}
}

func TestRetryAfterAndResetAfterAreExact(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 3))
		limits := randomLimits(random)
		m := &meter{t: t, now: 1<<50 + magnitude(random, 1<<50)}
		for step := range 40 {
			switch random.IntN(10) {
			case 0: // the limits of a key change
				limits = randomLimits(random)
			case 1: // the clock goes backwards
				m.now -= magnitude(random, 1<<45)
			}
			cost := randomCost(random, limits)
			d := m.take(limits, cost)
			tell := fmt.Sprintf("seed %d, step %d: %v, cost %d: %+v", seed, step, limits, cost, d)
			if d.Allowed != (d.RetryAfter == 0) || d.RetryAfter < 0 || d.RetryAfter > maxPeriod || d.ResetAfter < 0 || d.ResetAfter > maxPeriod {
				t.Fatal(tell)
			}
			if d.RetryAfter > 0 {
				then := m.now + d.RetryAfter.Microseconds()
				if !m.at(then).take(limits, cost).Allowed {
					t.Fatalf("%s: after RetryAfter it was not allowed", tell)
				}
				if m.at(then-1).take(limits, cost).Allowed {
					t.Fatalf("%s: a microsecond before RetryAfter it was allowed", tell)
				}
			}
			that := limits[d.Limit : d.Limit+1]
			then := m.now + d.ResetAfter.Microseconds()
			if whole := m.at(then).take(that, 0); whole.Remaining != that[0].Requests || whole.ResetAfter != 0 {
				t.Fatalf("%s: after ResetAfter: %+v; want it whole", tell, whole)
			}
			if d.ResetAfter > 0 && m.at(then-1).take(that, 0).ResetAfter != time.Microsecond {
				t.Fatalf("%s: a microsecond before ResetAfter it was whole", tell)
			}
			m.now += randomGap(random, limits, d)
		}
	}
}

// fraction is n·Period/Requests in microseconds.
func fraction(n int64, l cache.Limit) *big.Rat {
	return new(big.Rat).Mul(big.NewRat(n, l.Requests), big.NewRat(l.Period.Microseconds(), 1))
}

func floor(r *big.Rat) int64 { return new(big.Int).Div(r.Num(), r.Denom()).Int64() }

func ceil(r *big.Rat) int64 { return -floor(new(big.Rat).Neg(r)) }

// magnitude is from 1 to limit, each order of magnitude as likely as the next.
func magnitude(random *rand.Rand, limit int64) int64 {
	return min(limit, max(1, int64(math.Exp(random.Float64()*math.Log(float64(limit)+1)))))
}

// randomLimits are one to three, the awkward among them.
func randomLimits(random *rand.Rand) []cache.Limit {
	var limits []cache.Limit
	for i := range 1 + random.IntN(3) {
		l := awkward()[random.IntN(len(awkward()))]
		if random.IntN(4) > 0 {
			period := magnitude(random, maxPeriod.Microseconds())
			l = cache.Limit{Requests: magnitude(random, period), Period: time.Duration(period) * time.Microsecond}
		}
		l.Name = strings.Repeat(" :", i)
		limits = append(limits, l)
	}
	return limits
}

func randomCost(random *rand.Rand, limits []cache.Limit) int64 {
	most := int64(math.MaxInt64)
	for _, l := range limits {
		most = min(most, l.Requests)
	}
	switch random.IntN(5) {
	case 0:
		return 0
	case 1:
		return 1
	case 2:
		return most
	}
	return 1 + random.Int64N(most)
}

// randomGap is the time to the next call: none, one that the decision named, or any.
func randomGap(random *rand.Rand, limits []cache.Limit, d cache.Decision) int64 {
	l := limits[random.IntN(len(limits))]
	switch random.IntN(6) {
	case 0:
		return 0
	case 1:
		return d.RetryAfter.Microseconds()
	case 2:
		return max(0, d.RetryAfter.Microseconds()-1)
	case 3:
		return d.ResetAfter.Microseconds()
	case 4:
		return ceil(fraction(1, l))
	}
	return magnitude(random, l.Period.Microseconds())
}
