// Package session keeps sessions on the server: middleware for [net/http] that gives each visitor who needs one a session with typed data, in a *cache.Cache.
//
//	sessions, err := session.New(c, nil)
//	server.Handler = sessions.Handler(mux)
//
//	cart, err := session.Get[Cart](r.Context())
//	err = session.Update(r.Context(), func(c *Cart) error { c.Items = append(c.Items, item); return nil })
//	err = session.From(r.Context()).Login(r.Context(), user.ID)
//
// # When there is a session
//
// A request that does not use the session costs the store nothing, nor does one that reads it and has no cookie. Only what is written makes a session and a cookie, and only if it is more than
// the zero value: visitors without one can be as many as they like. Nothing is read before it is used, and then once.
//
// # The id
//
// 256 random bits, in a cookie that is HttpOnly, Secure, SameSite=Lax and named with the prefix "__Host-", which no other host can set. The store has the SHA-256 of it, by which tools know a
// session; who reads the store can use none. An id that the store does not know is never taken over: what is written gets a new one. So does every [Session.Login] and [Session.Renew].
//
// # How it ends
//
// When nobody has used it for Options.IdleTimeout, and Options.Lifetime after its login in any case; by [Session.Destroy], [Sessions.Delete], [Sessions.LogOutEverywhere] or [Sessions.Clear]. What has
// been ended does not come back, whatever is on its way: everything is written over exactly what was read, so that a request that was reading an ended session while it
// was ended stores nothing and becomes a 409. Another tab's logout ends the session also where this one has just given it a new id.
//
// A user may have several sessions. An index lists them, from before each is stored, and expires with the last.
//
// # Changes
//
// They are stored before the first byte of the response goes: a response says nothing that the store has not taken. Where two requests of a session change its data at the same time, what [Update] does is done again on what the
// other has stored; what [Set] does is a conflict, a 409, for the second would undo the first.
//
// # When the store fails
//
// A request whose session cannot be read or stored is answered by 503, whatever the handler writes. It is never taken for one without a session. What is no session of this
// version, or does not decode into the program's type, is none, and the old one goes when a new one is written.
//
// Sessions need a store that does not drop what has not expired. One in memory that is full does, those first that would expire first, and forgets all at a restart: those are logouts. Where the
// index of a user was dropped, [Sessions.LogOutEverywhere] does not find their sessions, and Renew ends them.
package session
