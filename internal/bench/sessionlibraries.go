package main

import (
	"context"
	"encoding/gob"
	"errors"
	"net/http"
	"strconv"

	"github.com/alexedwards/scs/v2"
	scsmemory "github.com/alexedwards/scs/v2/memstore"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

// A visitor is what a session holds: who it is, and an item. Changes counts what session/write does.
type visitor struct {
	Item    loadItem `json:"item"`
	Changes int      `json:"changes"`
}

// visitorOf has data of one length, so that whoever reads another's is noticed by the client's own number.
func visitorOf(client int) visitor { return visitor{Item: itemOf(strconv.Itoa(client))} }

// sessionUse is what a handler does with the session of its request. It returns false where the session is not that of a visitor.
type sessionUse func(r *http.Request) bool

// A sessionKeeper has sessions of visitors, whose cookies are known.
type sessionKeeper struct {
	handler func(next http.Handler) http.Handler
	cookies []string
	close   func() error
}

// sessionWork is the work of requests that use their sessions so.
func sessionWork(name string, kind memoryKind, open func(ctx context.Context, clients int) (sessionKeeper, sessionUse, error)) callLibrary {
	return callLibrary{name, kind, func(ctx context.Context, clients int) (callWork, error) {
		k, use, err := open(ctx, clients)
		if err != nil {
			return callWork{}, err
		}
		h := k.handler(using(use))
		return callWork{close: k.close, worker: func(ctx context.Context) func(int) error {
			v := newVisit(ctx, h)
			if k.cookies == nil {
				return func(int) error { return v.send(http.StatusNoContent) }
			}
			v = v.withCookie()
			return func(client int) error {
				v.cookie[0] = k.cookies[client]
				return v.send(http.StatusNoContent)
			}
		}}, nil
	}}
}

// using is a handler that does nothing else.
func using(use sessionUse) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusNoContent
		if !use(r) {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	})
}

// unused is a handler's who has nothing to do with sessions.
func unused(*http.Request) bool { return true }

func readOurs(r *http.Request) bool {
	v, err := session.Get[visitor](r.Context())
	return err == nil && v.Item.ID != ""
}

// userOfOurs is what is known before the data are decoded.
func userOfOurs(r *http.Request) bool {
	user, err := session.From(r.Context()).User(r.Context())
	return err == nil && user != ""
}

func changeOurs(r *http.Request) bool {
	found := false
	err := session.Update(r.Context(), func(v *visitor) error {
		found = v.Item.ID != ""
		v.Changes++
		return nil
	})
	return err == nil && found
}

// openSessions has sessions over memory, none where it is for those who have no cookie.
func openSessions(use sessionUse, anonymous bool) func(context.Context, int) (sessionKeeper, sessionUse, error) {
	return func(ctx context.Context, clients int) (sessionKeeper, sessionUse, error) {
		store, err := memstore.New(&memstore.Options{MaxEntries: 4 * clients}) // a session, its user's index, and room
		if err != nil {
			return sessionKeeper{}, nil, err
		}
		if anonymous {
			clients = 0
		}
		k, err := newSessions(ctx, store, clients)
		return k, use, err
	}
}

// newSessions has a session for each of so many clients in the store, which goes with it.
func newSessions(ctx context.Context, store cache.Store, clients int) (k sessionKeeper, err error) {
	c, err := cache.New(store, nil)
	if err != nil {
		return k, err
	}
	s, err := session.New(c, nil)
	if err != nil {
		return k, errors.Join(err, c.Close())
	}
	k = sessionKeeper{handler: s.Handler, close: c.Close}
	for client := range clients {
		cookie, err := s.Create(ctx, strconv.Itoa(client), visitorOf(client))
		if err != nil {
			return k, errors.Join(err, c.Close())
		}
		k.cookies = append(k.cookies, cookie.Name+"="+cookie.Value)
	}
	return k, nil
}

// What scs keeps the visitor under.
const scsKey = "visitor"

// scsUse is what a handler does with a session of scs.
type scsUse func(m *scs.SessionManager, r *http.Request) bool

func readSCS(m *scs.SessionManager, r *http.Request) bool {
	v, ok := m.Get(r.Context(), scsKey).(visitor)
	return ok && v.Item.ID != ""
}

func changeSCS(m *scs.SessionManager, r *http.Request) bool {
	v, ok := m.Get(r.Context(), scsKey).(visitor)
	v.Changes++
	m.Put(r.Context(), scsKey, v)
	return ok && v.Item.ID != ""
}

func unusedSCS(*scs.SessionManager, *http.Request) bool { return true }

func openSCS(use scsUse, anonymous bool) func(context.Context, int) (sessionKeeper, sessionUse, error) {
	return func(ctx context.Context, clients int) (sessionKeeper, sessionUse, error) {
		if anonymous {
			clients = 0
		}
		k, m, err := newSCS(ctx, scsmemory.NewWithCleanupInterval(0), clients)
		return k, func(r *http.Request) bool { return use(m, r) }, err
	}
}

// newSCS has a session for each of so many clients, with the library's defaults but for the name of the cookie, which is to be as long as ours.
func newSCS(ctx context.Context, store scs.Store, clients int) (k sessionKeeper, m *scs.SessionManager, err error) {
	gob.Register(visitor{})
	m = scs.New()
	m.Store, m.Cookie.Name = store, "__Host-session"
	k = sessionKeeper{handler: m.LoadAndSave, close: func() error { return nil }}
	for client := range clients {
		loaded, err := m.Load(ctx, "")
		if err != nil {
			return k, nil, err
		}
		m.Put(loaded, scsKey, visitorOf(client))
		token, _, err := m.Commit(loaded)
		if err != nil {
			return k, nil, err
		}
		k.cookies = append(k.cookies, m.Cookie.Name+"="+token)
	}
	return k, m, nil
}
