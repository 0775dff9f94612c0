package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Session is the session of a request. It may be used by several goroutines of the request at once. Nothing is asked of the store before a method needs it, and then once.
//
// What is changed is stored when the response begins, or by Save; until then nobody else sees it. Only Destroy acts at once. Once the response has begun, what was
// read can be read on; everything else gives [ErrCommitted]. The methods of a nil *Session give [ErrNoMiddleware].
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
	s, _ := ctx.Value(contextKey{}).(*Session)
	return s
}

// Sessions are those that s is one of, for [Sessions.LogOutEverywhere] and the like in a handler. They are nil where s is.
func (s *Session) Sessions() *Sessions {
	if s == nil {
		return nil
	}
	return s.sessions
}

// ID returns what the session is known by to the store and to tools, as in [Info]: not the cookie's id, but its SHA-256. That of a new session, and after Login and Renew, is
// the one that it will have. It is "" where there is no session.
func (s *Session) ID(ctx context.Context) (string, error) {
	var id string
	err := s.view(ctx, func() {
		switch {
		case s.plan != stays, s.base.raw == nil && s.isChanged():
			h := hashOf(s.nextID())
			id = h.String()
		case s.base.raw != nil:
			id = s.base.id.String()
		}
	})
	return id, err
}

// User returns who has logged in: "" where nobody has, or there is no session.
func (s *Session) User(ctx context.Context) (string, error) {
	var user string
	err := s.view(ctx, func() { user = s.user })
	return user, err
}

// PeekUser is User for what the response does not depend on, such as a limiter or a log: the response does not become private for it, nor a 503 for its error, and it is no use of the session.
func (s *Session) PeekUser(ctx context.Context) (string, error) {
	if s == nil {
		return "", ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.failed
	err := s.load(ctx)
	s.failed = before
	if err != nil {
		return "", err
	}
	return s.user, nil
}

// Info returns what the store has of the session: as it was read, or saved since. It is the zero value where the store has none.
func (s *Session) Info(ctx context.Context) (Info, error) {
	var info Info
	err := s.view(ctx, func() {
		if s.base.raw != nil {
			info = infoOf(&s.base)
		}
	})
	return info, err
}

// Login makes user the session's: 1 to 1024 bytes that name them for good, such as a primary key. The session gets a new id and a new lifetime, when the response begins; an
// id that somebody has planted in the browser is worth nothing then. The data stay; those of a session that was another user's do not.
//
// A session that is ended meanwhile, by Destroy or by [Sessions.LogOutEverywhere], stays so, and the answer is a conflict.
func (s *Session) Login(ctx context.Context, user string) error {
	if err := checkUser(user); err != nil {
		return err
	}
	return s.change(ctx, func() error {
		if s.user != "" && s.user != user {
			s.data, s.ops, s.apart = nil, nil, true
		}
		s.user, s.plan, s.id = user, logsIn, newID()
		return nil
	})
}

// Renew gives the session a new id when the response begins, and the same lifetime, as it should have after every change of what its user may do. Where there is no session it does nothing.
func (s *Session) Renew(ctx context.Context) error {
	return s.change(ctx, func() error {
		if s.base.raw != nil && s.plan == stays {
			s.plan, s.id = renews, newID()
		}
		return nil
	})
}

// Destroy ends the session at once: when it returns nil, neither its id nor one that it was given meanwhile works any more, whatever else is in flight. Changes of this request are dropped. The
// response drops the cookie if one came; what is written afterwards makes a new session. It goes on where ctx is cancelled, for whoever logs out may have closed the page.
func (s *Session) Destroy(ctx context.Context) error {
	return s.change(ctx, func() error {
		for _, known := range []held{s.base, s.stray, {id: s.at}} {
			if known.raw == nil && (!s.moved || known.id != s.at) {
				continue
			}
			if _, err := s.sessions.endListed(ctx, known.id, known.raw); err != nil {
				s.failed = err
				return err
			}
		}
		s.forget()
		return nil
	})
}

// Save stores what has been changed, and the time of this use, at once, and so before the response begins. A conflict is then the handler's to answer: the error is [ErrConflict],
// the changes are dropped, and the session is read anew. After any other error the response is a 503.
func (s *Session) Save(ctx context.Context) error {
	if s == nil {
		return ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrCommitted
	case s.failed != nil:
		return s.failed
	case !s.loaded:
		return nil
	}
	err := s.flush(ctx)
	if errors.Is(err, ErrConflict) {
		s.drop()
		s.loaded = false
	}
	return err
}

// forget makes it a session that there is not.
func (s *Session) forget() {
	s.drop()
	s.base, s.stray, s.user, s.data = held{}, held{}, "", nil
	s.hasID, s.moved = false, false
	s.issued, s.expire = "", s.came
}

// drop takes back what was to be stored.
func (s *Session) drop() {
	s.user, s.data = s.base.user, s.base.data
	s.plan, s.id, s.ops, s.apart = stays, "", nil, false
}

// loggedOut is told that a user has been logged out everywhere.
func (s *Session) loggedOut(of *Sessions, user string) {
	if s == nil || s.sessions != of {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.base.raw == nil || s.base.user != user {
		return
	}
	plan, id, as, data := s.plan, s.id, s.user, s.data
	s.forget()
	if plan == logsIn { // it comes after
		s.plan, s.id, s.user, s.data, s.apart = plan, id, as, data, true
	}
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

func (s *Session) timesUsed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uses
}

// view calls f with what the store has read.
func (s *Session) view(ctx context.Context, f func()) error {
	if s == nil {
		return ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses++
	if err := s.load(ctx); err != nil {
		return err
	}
	f()
	return nil
}

// change is view for what is not possible any more when the response has begun.
func (s *Session) change(ctx context.Context, f func() error) error {
	if s == nil {
		return ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrCommitted
	}
	s.uses++
	if err := s.load(ctx); err != nil {
		return err
	}
	return f()
}

// load asks the store, once. s.mu is held.
func (s *Session) load(ctx context.Context) error {
	switch {
	case s.failed != nil:
		return s.failed
	case s.loaded:
		return nil
	case s.closed:
		return ErrCommitted
	}
	if !s.located {
		s.located = true
		var id string
		if id, s.came = s.sessions.cookie.read(s.r.Header); id != "" {
			s.at, s.hasID = hashOf(id), true
		}
	}
	s.base, s.stray, s.moved = held{}, held{}, false
	if s.hasID {
		var err error
		if s.base, s.moved, err = s.sessions.look(ctx, s.at); err != nil {
			if !isOwnCancel(ctx, s.r) {
				s.failed = err
			}
			return err
		}
	}
	s.loaded = true
	s.user, s.data = s.base.user, s.base.data
	return nil
}

// isOwnCancel reports whether it is the caller who did not want to wait, and not the client or the store: that says nothing about the session.
func isOwnCancel(ctx context.Context, r *http.Request) bool {
	return errors.Is(ctx.Err(), context.Canceled) && r.Context().Err() == nil
}

// void makes of a session whose data are not what the program expects one that there is not. It reports whether it did: what this request has made itself is not
// taken for another version's.
func (s *Session) void() bool {
	if s.base.raw == nil || s.base.data == nil || s.isChanged() {
		return false
	}
	s.stray, s.base, s.data, s.ops = s.base, held{}, nil, nil
	if s.plan != logsIn {
		s.user, s.plan = "", stays
	}
	return true
}

// rebase reads the session again, where the store has other bytes than expected, and makes the same changes to what it has now.
func (s *Session) rebase(ctx context.Context) error {
	now, _, err := s.sessions.look(ctx, s.base.id)
	if err != nil {
		return err
	}
	if now.raw == nil {
		return ErrConflict
	}
	if now.revision != s.base.revision && !s.apart {
		data := now.data
		for _, o := range s.ops {
			if o.replaces {
				return ErrConflict
			}
			if data, err = s.sessions.apply(o, data, now.data); err != nil {
				return fmt.Errorf("%w: %w", ErrConflict, err)
			}
		}
		s.data = data
	}
	s.base = now
	return nil
}
