package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unicode"
)

// maxText is how many bytes of a text are shown: enough for a sentence, too little to flood a log.
const maxText = 200

// Safe returns text fit to be shown to whoever probes, or logged: on one line, of 200 bytes at most, and without
// credentials. A text in which there might be any (an '@', a "://", something like "password=" or "token":) is withheld
// whole, because no way to cut a password out of an unknown text is right for every password.
func Safe(text string) string {
	if maybeSecret(text) {
		return "withheld, it may contain credentials"
	}
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

func maybeSecret(text string) bool {
	if strings.Contains(text, "@") || strings.Contains(text, "://") {
		return true
	}
	flat := strings.NewReplacer(" ", "", `\`, "", `'`, `"`).Replace(strings.ToLower(text))
	for _, word := range []string{"password", "passwd", "pwd", "secret", "token", "apikey", "api_key"} {
		// A bare colon is prose: "wrong user or password: WRONGPASS" is what an operator has to read.
		for _, assigned := range []string{"=", `"=`, `":`} {
			if strings.Contains(flat, word+assigned) {
				return true
			}
		}
	}
	return false
}

// reason is the text of err made safe. Where that withholds the text, what is known of the cause without it is kept.
func reason(err error) string {
	// fmt survives an Error method that panics, as that of a nil pointer in an error does.
	text := fmt.Sprint(err)
	if !maybeSecret(text) {
		return Safe(text)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error() + " (the rest is withheld, it may contain credentials)"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out (the rest is withheld, it may contain credentials)"
	}
	return Safe(text)
}
