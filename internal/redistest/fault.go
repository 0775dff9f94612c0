//go:build unix

package redistest

import "time"

// mode is what a fault does.
type mode int

const (
	pass        mode = iota
	delay            // a chunk of a reply waits for fault.time after its arrival
	trickle          // the bytes of replies come one by one, each after fault.time
	blackHole        // swallow both directions
	dropReplies      // swallow replies
	cutReply         // close the first connection that gets a reply after fault.left bytes of it
	cutRequest       // the same with a request
	refuse           // close connections at once
)

// fault is what a proxy does to its connections at present.
type fault struct {
	mode  mode
	time  time.Duration
	left  int   // bytes before the cut
	whose *link // that is cut, nil until it is known
}

// direction is one of the two of a connection.
type direction int

const (
	requests direction = iota
	replies
)

func (f *fault) swallows(d direction) bool {
	return f.mode == blackHole || f.mode == dropReplies && d == replies
}

// cuts tells whether f cuts l in direction d, which has something to forward.
func (f *fault) cuts(l *link, d direction) bool {
	mine := f.mode == cutReply && d == replies || f.mode == cutRequest && d == requests
	return mine && (f.whose == nil || f.whose == l)
}

// due is when the next bytes of a reply may be delivered that arrived then, on a connection whose last byte was
// delivered at last.
func (f *fault) due(arrived, last time.Time) time.Time {
	switch {
	case f.mode == delay:
		return arrived.Add(f.time)
	case f.mode == trickle && last.After(arrived):
		return last.Add(f.time)
	case f.mode == trickle:
		return arrived.Add(f.time)
	}
	return arrived
}
