package web

import (
	"io"
	"net/http"
	"time"
)

// How long, and how much of it, a body is read that nobody wants.
const (
	lingerTime  = 5 * time.Second
	lingerBytes = 64 << 20
)

// hurry bounds how long a refusal waits for its body. net/http reads up to 256 KiB that nobody has read before it sends the
// header of an answer, by the read deadline, which is the request's own where no other has been set.
func (x *exchange) hurry(r *http.Request) {
	if x.stack == nil || r.ProtoMajor != 1 || !x.body.coming() {
		return
	}
	soon := time.Now().Add(lingerTime)
	if t := x.stack.RequestTimeout; t > 0 && x.start.Add(t+bodyGrace).Before(soon) {
		return
	}
	_ = http.NewResponseController(x.w.ResponseWriter).SetReadDeadline(soon) // a recorder has none
}

// linger sends a refusal and then throws away what the client is still sending (RFC 9112 section 9.6). Many clients look
// at the answer only when they have sent all of the body; net/http reads 256 KiB of it at most, and a connection that
// is closed with unread bytes is reset, which takes the answer away from the client.
func (x *exchange) linger(r *http.Request) {
	if r.ProtoMajor != 1 || x.w.hijacked || x.w.status < http.StatusBadRequest || !x.body.coming() {
		return
	}
	if err := x.w.FlushError(); err != nil {
		return
	}
	rc := http.NewResponseController(x.w.ResponseWriter)
	if err := rc.SetReadDeadline(time.Now().Add(lingerTime)); err != nil {
		return // no connection, as in a test
	}
	_, _ = io.CopyN(io.Discard, x.body.raw, lingerBytes) // however it ends, the answer is out
}
