package session

import "errors"

// What a caller can act on is told apart by [errors.Is] with one of these, or with those of package cache: what the store has wrong matches what its operations return, and data longer than
// Options.MaxBytes match [cache.ErrTooLarge].
var (
	// ErrNoMiddleware: the context is not that of a request behind [Sessions.Handler].
	ErrNoMiddleware = errors.New("session: no middleware; put the handler behind (*session.Sessions).Handler")
	// ErrConflict: somebody else has changed the session since it was read, or ended it. Nothing of the change was stored.
	ErrConflict = errors.New("session: it has been changed or ended by another request")
	// ErrCommitted: the response has begun, or the request is over. A session is read for the first time, and changed, before that: afterwards the response cannot say
	// any more that it is for this visitor alone.
	ErrCommitted = errors.New("session: the response has begun")
	// ErrNoUser is what the load function of [Authenticate] returns where there is no such user any more.
	ErrNoUser = errors.New("session: no such user")
)
