package cache

import "time"

// What the Result of an [Event] can be.
const (
	ResultHit     = "hit"     // the entry was there; for GetMany: all of them
	ResultMiss    = "miss"    // it was not; for Add, a comparison and Take: the answer was no
	ResultOK      = "ok"      // an operation without hit and miss succeeded
	ResultStale   = "stale"   // the entry was past its TTL, and served while somebody refreshes it
	ResultRefused = "refused" // what was loaded was not stored, for the reason in Err; or a refresh was not begun, because too many run
	ResultError   = "error"   // Err says why
)

// Event tells how one operation of a [Cache] ended. Op is "get" (GetAppend too), "set", "delete", "exists", "add", "increment", "swap"
// (CompareAndSwap), "compare and delete", "renew" (GetAndRenew), "touch", "ttl", "get many", "set many", "delete many", "clear",
// "keys", "delete expired", "take", "ping", "invalidate tags", or one of those of [GetOrLoad]:
//
//   - "get or load", "get or load many": one for each call, before it waits for a load: a hit, stale, a miss, or an error of the store's, with which the
//     caller still gets his value. It is told when the entry has been looked at, and its Duration is until then.
//   - "load", "refresh": one for each key that a loader was asked for, by callers who wait or in the background: ok, a miss ([ErrNotFound]), or an error, which
//     is the loader's. A refresh that was not begun is refused.
//   - "fill": refused, where what was loaded has not been stored, for the reason in Err.
type Event struct {
	Op       string        // what was done
	Result   string        // one of the Result constants
	Duration time.Duration // how long it took
	Err      error         // why; nil unless Result is ResultError or ResultRefused
}

// now reads the clock only where somebody listens: reading it costs more than a hit in memory.
func (c *Cache) now() time.Time {
	if c.onEvent == nil {
		return time.Time{}
	}
	return time.Now()
}

// emit is small enough to cost next to nothing where nobody listens.
func (c *Cache) emit(op string, start time.Time, result string, err error) {
	if c.onEvent != nil {
		c.tell(op, start, result, err)
	}
}

func (c *Cache) tell(op string, start time.Time, result string, err error) {
	if err != nil && result != ResultRefused {
		result = ResultError
	}
	c.onEvent(Event{Op: op, Result: result, Duration: time.Since(start), Err: err})
}

func hitOrMiss(hit bool) string {
	if hit {
		return ResultHit
	}
	return ResultMiss
}

func okOrMiss(ok bool) string {
	if ok {
		return ResultOK
	}
	return ResultMiss
}
