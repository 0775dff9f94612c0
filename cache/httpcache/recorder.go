package httpcache

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
)

// verdict is what becomes of a response when its header is known.
type verdict struct {
	record bool // the body is kept
	mute   bool // the client gets nothing of it
	status int  // what the client gets instead of the handler's; 0: the handler's
}

// recorder is the http.ResponseWriter that a handler writes to. It passes on what comes, and keeps a copy of the body while that may be stored.
//
// Up to maxHeld bytes it holds a body back, as net/http itself does, so that a small one is whole before its header goes; a Flush sends it.
type recorder struct {
	w      http.ResponseWriter
	decide func(rec *recorder, status int) verdict // called once, before the header goes

	max       int64 // of the body
	proxies   bool  // a Flush says nothing about the response
	status    int   // the handler's; 0: none yet
	declared  int64 // Content-Length, -1 where there is none
	committed bool  // verdict is valid, and the header has been sent unless the client gets nothing
	verdict   verdict
	body      []byte // recorded, or held
	written   int64  // by the handler
	complete  bool   // the handler has returned
	wasWhole  bool   // it had when the header went
	streamed  bool   // the handler sent some of it before it had all
	hijacked  bool
	failed    error // of a write to the client
}

// maxHeld is what net/http buffers of a response before it sends the header (http.bufferBeforeChunkingSize).
const maxHeld = 2048

func (rec *recorder) Header() http.Header { return rec.w.Header() }

// Unwrap lets http.ResponseController find what this writer does not do itself.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.w }

func (rec *recorder) WriteHeader(status int) {
	switch {
	case rec.hijacked || rec.status != 0:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		rec.w.WriteHeader(status) // 103 and the like go at once and are not part of the response
	default:
		rec.status = status
		rec.declared = lengthOf(rec.w.Header())
		if status == http.StatusSwitchingProtocols {
			rec.commit()
		}
	}
}

func lengthOf(h http.Header) int64 {
	if n, err := strconv.ParseInt(h.Get(contentLength), 10, 64); err == nil && n >= 0 {
		return n
	}
	return -1
}

// commit decides, and sends the header with what is held.
func (rec *recorder) commit() {
	if rec.committed {
		return
	}
	rec.committed = true
	rec.verdict = rec.decide(rec, rec.status)
	held := rec.body
	if !rec.verdict.record {
		rec.body = nil
	}
	if rec.verdict.mute {
		return
	}
	status := rec.status
	if s := rec.verdict.status; s != 0 {
		status, rec.verdict.mute = s, true
	}
	rec.w.WriteHeader(status)
	if len(held) > 0 && !rec.verdict.mute {
		_, _ = rec.pass(held) // it is in rec.failed
	}
}

// pass writes to the client.
func (rec *recorder) pass(p []byte) (int, error) {
	n, err := rec.w.Write(p)
	if err != nil && rec.failed == nil {
		rec.failed = err
	}
	return n, err
}

func (rec *recorder) Write(p []byte) (int, error) {
	if rec.hijacked {
		return 0, http.ErrHijacked
	}
	if rec.status == 0 {
		rec.WriteHeader(http.StatusOK)
	}
	rec.written += int64(len(p))
	if !rec.committed {
		if len(rec.body)+len(p) <= maxHeld {
			rec.body = append(rec.body, p...)
			return len(p), nil
		}
		rec.commit()
	}
	if rec.verdict.record {
		if rec.written > rec.max {
			rec.drop()
		} else {
			rec.body = append(rec.body, p...)
		}
	}
	if rec.verdict.mute {
		return len(p), rec.failed
	}
	return rec.pass(p)
}

// drop stops recording and gives the memory back.
func (rec *recorder) drop() { rec.verdict.record, rec.body = false, nil }

// ReadFrom lets io.Copy leave the copying to the client's writer, which can do it in the kernel, where nothing is recorded.
func (rec *recorder) ReadFrom(src io.Reader) (n int64, err error) {
	first := make([]byte, maxHeld+1)
	for !rec.committed || rec.verdict.record || rec.verdict.mute {
		m, readErr := src.Read(first)
		if m > 0 {
			w, err := rec.Write(first[:m])
			if n += int64(w); err != nil {
				return n, err
			}
		}
		if readErr == io.EOF {
			return n, nil
		}
		if readErr != nil {
			return n, readErr
		}
		if len(first) == maxHeld+1 && rec.committed {
			first = make([]byte, 32<<10)
		}
	}
	m, err := io.Copy(rec.w, src)
	rec.written += m
	if err != nil && rec.failed == nil {
		rec.failed = err
	}
	return n + m, err
}

// FlushError sends what has been written. A handler that does this streams: what it sends is for this client.
func (rec *recorder) FlushError() error {
	if rec.hijacked {
		return http.ErrHijacked
	}
	if rec.status == 0 {
		rec.WriteHeader(http.StatusOK)
	}
	if !rec.proxies {
		rec.streamed = true
	}
	rec.commit()
	if rec.streamed {
		rec.drop()
	}
	if rec.verdict.mute {
		return nil
	}
	return http.NewResponseController(rec.w).Flush()
}

// Flush is FlushError for those who ask for an http.Flusher.
func (rec *recorder) Flush() { _ = rec.FlushError() }

// Hijack gives the connection away; there is no response then.
func (rec *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(rec.w).Hijack()
	if err == nil {
		rec.hijacked = true
		rec.committed = true
		rec.drop()
	}
	return conn, rw, err
}

// end is called when the handler has returned.
func (rec *recorder) end() {
	if rec.hijacked {
		return
	}
	rec.complete, rec.wasWhole = true, !rec.committed
	if rec.status == 0 {
		rec.WriteHeader(http.StatusOK)
	}
	rec.commit()
}

// isWhole reports whether the body is what the handler meant to send.
func (rec *recorder) isWhole() bool {
	return rec.complete && rec.failed == nil && !rec.streamed && !rec.hijacked && (rec.declared < 0 || rec.declared == rec.written)
}
