package web

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// body is a request's body. It tells a client that is too slow from every other deadline that a handler may meet.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = NewProblem(http.StatusRequestTimeout, "The body did not arrive in time.")
	}
	return n, err
}
