package web

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/labstack/echo/v4"
)

// RequestID is the id of the request that ctx belongs to, the one in its response header and its log line. It is empty
// where ctx belongs to no request of an Echo made by [New]. It outlives the request: a context made with
// [context.WithoutCancel] still has it.
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return ""
}

// requestID keeps the caller's id where it is safe in logs, headers and bodies, else makes one of 26 characters.
func requestID(r *http.Request) string {
	if ids := r.Header[echo.HeaderXRequestID]; len(ids) == 1 && validID(ids[0]) {
		return ids[0]
	}
	return rand.Text()
}

// validID reports whether id is 1 to 64 characters of [A-Za-z0-9._-].
func validID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '.', b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}
