package cache

import (
	"context"
	"errors"
	"slices"
)

// group is what one call of a loader loads.
type group struct {
	of      *flights
	above   *group          // in whose loader it was begun, to be waited for, if in any
	ctx     context.Context //nolint:containedctx // the loader's: done when nobody waits any more
	cancel  context.CancelCauseFunc
	refresh bool
	flights []*flight

	// Of flights.mu:
	live  int       // flights that somebody waits for
	waits []*flight // what the loader waits for, in calls of its own
}

// groupContextKey has the group for whose loader a context is.
type groupContextKey struct{}

func groupOf(ctx context.Context) *group {
	g, _ := ctx.Value(groupContextKey{}).(*group)
	return g
}

// newGroup is that of a call with ctx, whose values its loader has.
func (l *flights) newGroup(ctx context.Context, refresh bool) *group {
	g := &group{of: l, refresh: refresh}
	if !refresh {
		g.above = groupOf(ctx)
	}
	ctx = context.WithValue(context.WithoutCancel(ctx), groupContextKey{}, g)
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// op is what an event calls it.
func (g *group) op() string {
	if g.refresh {
		return "refresh"
	}
	return "load"
}

// nearest is the innermost of the groups from g up whose flights are of l, or nil.
func (g *group) nearest(l *flights) *group {
	for ; g != nil; g = g.above {
		if g.of == l {
			return g
		}
	}
	return nil
}

// errCircular is a loader that would wait for itself.
var errCircular = errors.New("its own loader waits for this call")

// isCircular tells whether who waits within the loader of a group for a route waits for himself: it is that loader's, or one that waits for it, if only through others.
func (l *flights) isCircular(within *group, r route) bool {
	for g := within; g != nil; g = g.above {
		if g.of != l {
			continue
		}
		if slices.ContainsFunc(g.flights, func(f *flight) bool { return f.route == r && !f.landed }) {
			return true
		}
		if f := l.joinable[r]; f != nil && !f.landed && f.group.waitsFor(g) {
			return true
		}
		for g.above != nil && g.above.of == l { // which waits for g only if that is among its waits
			g = g.above
		}
	}
	return false
}

// waitsFor tells whether the loader of g waits for what another loads, if only through others.
func (g *group) waitsFor(other *group) bool {
	seen := map[*group]bool{g: true}
	for open := []*group{g}; len(open) > 0; open = open[1:] {
		for _, f := range open[0].waits {
			switch {
			case f.landed || seen[f.group]:
			case f.group == other:
				return true
			default:
				seen[f.group] = true
				open = append(open, f.group)
			}
		}
	}
	return false
}
