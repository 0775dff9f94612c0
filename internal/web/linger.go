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
