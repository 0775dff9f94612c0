package session

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"
)

// Session is the session of a request. It may be used by several goroutines of the request at once. Nothing is asked of the store before a method needs it, and then once.
//
// What is changed is stored when the response begins, or by Save; until then nobody else sees it. Only Destroy acts at once. Once the response has begun, what was
// read for it can be read on; everything else gives [ErrCommitted]. The methods of a nil *Session give [ErrNoMiddleware].
type Session struct {
	sessions *Sessions
	r        *http.Request

	mu      sync.Mutex
	located bool // at, hasID and came say what the request's cookie said, or what has happened since
	hasID   bool
	came    bool // a cookie of the name came, well-formed or not
	loaded  bool // base says what the store has
	closed  bool // the response has begun
	moved   bool // under at, there is where the session has gone
	failed  error
	refused error // why what was changed is not stored, if so; when closed
	uses    int   // how often it was read or changed: what was made of it is this visitor's alone

	at    hash // what the cookie's id is known by
	base  held // as it was read or written last
	stray held // whose data do not decode: it goes when something is written

	// As it is to be, and as the request sees it:
	user  string
	data  []byte
	plan  plan
	id    string // of a new session, or with a plan; "": none yet
	ops   []op   // which made data of base.data
	apart bool   // data are nothing that was made of base.data

	issued string        // an id that the client does not have yet
	life   time.Duration // of the cookie with it
	expire bool          // the client is to drop its cookie
}

// plan says what becomes of the id.
type plan int

const (
	stays plan = iota
	renews
	logsIn
)

// op is a change of the data.
type op struct {
	replaces bool // whatever they were
	run      func(data []byte) ([]byte, error)
	zero     func() []byte // what no data are the same as
}

type contextKey struct{}

// From returns the session of a request behind [Sessions.Handler], by the request's context: that of the innermost where there are several. It is nil elsewhere, which is valid.
func From(ctx context.Context) *Session {
	if x, ok := ctx.Value(contextKey{}).(*exchange); ok {
		return x.session
	}
	return nil
}

// Sessions are those that s is one of, for [Sessions.LogOutEverywhere] and the like in a handler. They are nil where s is.
func (s *Session) Sessions() *Sessions {
	if s == nil {
		return nil
	}
	return s.sessions
}

// isChanged reports whether the data are not those that the store has.
func (s *Session) isChanged() bool { return !bytes.Equal(s.data, s.base.data) }

// nextID is the id that the session will have.
func (s *Session) nextID() string {
	if s.id == "" {
		s.id = newID()
	}
	return s.id
}
