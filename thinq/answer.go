package thinq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxMessage    = 200 // characters of an answer that may show up in an error
	maxRetryAfter = 6 * time.Hour
)

// answer is an answer of LG in any of its forms. The personal API puts the error
// beside the response, the partner API into it.
type answer struct {
	Response     json.RawMessage `json:"response"`
	Error        json.RawMessage `json:"error"`
	ResponseCode lgCode          `json:"responseCode"` // partner API only
	Message      string          `json:"message"`      // of gateways
}

// fault is an error inside an answer. LG documents the code as a string.
type fault struct {
	Code    lgCode `json:"code"`
	Message string `json:"message"`
}

// lgCode is a code as a string or a number.
type lgCode string

// UnmarshalJSON takes "1222" and 1222, and leaves out what is no code.
func (c *lgCode) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	if n, err := strconv.ParseUint(s, 10, 16); err == nil && len(s) <= 4 {
		*c = lgCode(fmt.Sprintf("%04d", n))
	}
	return nil
}

// parseAnswer finds the response in an answer, or the error. An empty answer
// with a good status is a success without response. The error lacks Endpoint
// and RetryAfter.
func parseAnswer(status int, contentType string, body []byte) (json.RawMessage, *Error) {
	good := status >= 200 && status < 300
	body = bytes.TrimSpace(body)
	if good && len(body) == 0 {
		return nil, nil
	}
	var a answer
	if err := decodeObject(body, &a); err != nil {
		return nil, &Error{Status: status, Message: unreadable(contentType, body, err)}
	}
	if f, ok := a.fault(!good); ok {
		return nil, &Error{Status: status, Code: string(f.Code), Message: clip(f.Message)}
	}
	if bytes.Equal(a.Response, []byte("null")) {
		a.Response = nil
	}
	return a.Response, nil
}

// fault finds the error of an answer, wherever it is; failed says that there
// must be one.
func (a answer) fault(failed bool) (fault, bool) {
	if f, ok := parseFault(a.Error); ok {
		return f, true
	}
	// A state may have a member "error" of its own, so inside a response only
	// an object with a code of LG's form counts.
	var inner struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(a.Response, &inner) == nil {
		if f, ok := parseFault(inner.Error); ok && f.Code != "" {
			return f, true
		}
	}
	if code := a.ResponseCode; code != "" && code != "0000" {
		return fault{Code: code, Message: a.Message}, true
	}
	return fault{Message: a.Message}, failed
}

func parseFault(data json.RawMessage) (fault, bool) {
	var f fault
	if json.Unmarshal(data, &f) == nil {
		return f, f != fault{}
	}
	var words string // as OAuth servers and some gateways do
	err := json.Unmarshal(data, &words)
	return fault{Message: words}, err == nil && words != ""
}

// decodeObject decodes a JSON object that is not nested too deeply.
func decodeObject(data []byte, v any) error {
	if len(data) == 0 || data[0] != '{' {
		return errors.New("not a JSON object")
	}
	if err := checkJSON(data); err != nil {
		return err
	}
	err := json.Unmarshal(data, v)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil // one member has another type; the rest is read
	}
	return err
}

// unreadable says what came in the place of LG's JSON.
func unreadable(contentType string, body []byte, err error) string {
	what := strange(contentType, body, err)
	if len(body) == 0 {
		return what
	}
	return clip(what + ": " + string(body))
}

// strange says it without repeating any of it.
func strange(contentType string, body []byte, err error) string {
	if kind, _, _ := mime.ParseMediaType(contentType); kind == "text/html" || bytes.HasPrefix(body, []byte("<")) {
		return "a page of HTML"
	}
	if len(body) == 0 {
		return "an empty answer"
	}
	return err.Error()
}

// clip makes foreign text fit for one line of a log.
func clip(s string) string {
	runes := []rune(oneLine(s))
	if len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return string(runes)
}

// oneLine leaves out what cannot be printed.
func oneLine(s string) string {
	words := strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return -1
	}, words)
}

// userNumber is how LG numbers people: the country and at least ten digits.
var userNumber = regexp.MustCompile(`\b[A-Z]{2}[0-9]{10,}\b`)

// censor takes secrets that a gateway echoes out of foreign text.
func censor(s string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.NewReplacer(secret, "[secret]", url.QueryEscape(secret), "[secret]").Replace(s)
		}
	}
	return userNumber.ReplaceAllString(s, "[user]")
}

// hush takes secrets out of an error of the network: a broken answer may echo
// them, and shows up in it.
func hush(err error, secrets ...string) error {
	if text := err.Error(); text != censor(text, secrets...) {
		return errors.New(clip(censor(text, secrets...)))
	}
	return err
}

// retryAfter reads the header in both of its forms (RFC 9110, 10.2.3). Times in
// the past and nonsense count as absent; the rest is kept between 1 s and 6 h.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	var d time.Duration
	if n, err := strconv.ParseUint(value, 10, 64); err == nil {
		d = max(time.Duration(min(n, uint64(maxRetryAfter/time.Second)))*time.Second, time.Second)
	} else if t, err := http.ParseTime(value); err == nil {
		d = max(t.Sub(now), 0)
	}
	return min(d, maxRetryAfter)
}
