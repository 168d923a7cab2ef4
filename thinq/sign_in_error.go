package thinq

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A SignInError is an answer of LG's sign-in that holds no token.
type SignInError struct {
	Status  int    // of HTTP, 200 included: LG answers errors with it
	Code    string // "412", "LG.OAUTH.EC.4001"; empty where LG sent none
	Message string // LG's words, without secrets
}

// What a person is to do.
const (
	signInAgain = "Run \"thinq2mqtt login\" again."
	fixClientID = "oauth.client_id must be the app key that LG gave you."
	fixRedirect = "oauth.redirect_url must be the one registered with LG."
	tryAgain    = "That may pass by itself."
)

// signIns are the errors of LG's two versions of the token endpoint, by code and
// a part of the message, in small letters; the first that fits counts. LG does
// not document what it says to a refresh token that is no more.
var signIns = []struct {
	code, part string
	class      Class
	text       string
}{
	// v2.0
	{"", "required code", Auth, "LG misses the code of the sign-in, or knows it no longer. " + signInAgain},
	{"", "required refresh_token", Auth, "LG misses the refresh token, or knows it no longer. " + signInAgain},
	{"", "required redirect_uri", Auth, "LG wants another redirect address: " + fixRedirect},
	{"", "required client_id", Auth, "LG misses the client id: " + fixClientID},
	{"", "required backend_url", Auth, "LG misses the address of its back end, which comes with a sign-in. " + signInAgain},
	{"", "required", Auth, "LG misses a parameter. Look at oauth.client_id and oauth.redirect_url."},
	{"", "not allowed client_id", Auth, "LG does not allow this client id: " + fixClientID},
	{"", "oauth date time error", Busy, "LG's sign-in has trouble of its own. " + tryAgain},
	// v1.0 DR
	{"", "app_id", Auth, "LG does not know this client id: " + fixClientID},
	{"LG.OAUTH.EC.4001", "", Auth, newSignIn},
	{"", "oauth2 processing error", Auth, newSignIn},
	// by the code alone
	{"412", "", Auth, "LG misses a parameter. Look at oauth.client_id and oauth.redirect_url."},
	{"401", "", Auth, "LG does not allow this client id, or the sign-in is over. " + fixClientID + " If it is, run \"thinq2mqtt login\" again."},
	{"400", "", Auth, "LG does not accept the sign-in. Look at oauth.client_id and oauth.redirect_url, then run \"thinq2mqtt login\" again."},
}

// Class is Auth where only a person can help, and Busy where time may.
func (e *SignInError) Class() Class {
	class, _ := e.meaning()
	return class
}

// Text is what happened, and what to do, as a sentence for a person.
func (e *SignInError) Text() string {
	_, text := e.meaning()
	return text
}

func (e *SignInError) meaning() (Class, string) {
	code, message := e.Code, strings.ToLower(e.Message)
	if code == "" && e.Status >= 400 {
		code = strconv.Itoa(e.Status)
	}
	for _, m := range signIns {
		if (m.code == "" || m.code == code) && strings.Contains(message, m.part) {
			return m.class, m.text
		}
	}
	n, notNumber := strconv.Atoi(code)
	switch {
	case n >= 500, e.Status >= 500:
		return Busy, "LG's sign-in is in trouble. " + tryAgain
	case notNumber == nil, code == "" && e.Status != 0:
		return Busy, "Something else than LG's sign-in answered. Look whether a login page or a proxy is in the way. " + tryAgain
	}
	return Auth, "LG does not accept the sign-in. " + signInAgain
}

// Error is one line with code, LG's words, and what to do.
func (e *SignInError) Error() string {
	text := "sign-in"
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + strings.TrimRight(e.Message, ".")
	}
	return text + ". " + e.Text()
}

var required = regexp.MustCompile(`(?i)\brequired\s+([a-z_]+)`)

// missing is the parameter that LG says it lacks.
func (e *SignInError) missing() string {
	if m := required.FindStringSubmatch(e.Message); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

// signInAnswer is every form in which an error has been seen or is documented:
// LG's httpError with a code or with words, and OAuth's own.
type signInAnswer struct {
	HTTPError   json.RawMessage `json:"httpError"`
	Code        json.RawMessage `json:"code"`
	Error       json.RawMessage `json:"error"`
	Message     string          `json:"message"`
	Description string          `json:"error_description"`
}

// refusalOf reads an answer without a token, of which cause says why it is none.
func refusalOf(resp *http.Response, body []byte, cause error, secrets []string) *SignInError {
	e := &SignInError{Status: resp.StatusCode}
	body = bytes.TrimSpace(body)
	var r signInAnswer
	switch {
	case decodeObject(trailingComma.ReplaceAll(body, []byte("$1")), &r) == nil:
		e.Code, e.Message = r.words()
		e.Message = cmp.Or(e.Message, cause.Error())
	case plain(body):
		e.Message = string(body)
	default:
		e.Message = strange(resp.Header.Get("Content-Type"), body, cause)
	}
	e.Code = censor(e.Code, secrets...)
	e.Message = clip(longWord.ReplaceAllString(censor(oneLine(e.Message), secrets...), "[…]"))
	return e
}

// words are the code and the message of a refusal, wherever LG put them.
func (r signInAnswer) words() (code, message string) {
	message = cmp.Or(r.Message, r.Description)
	for _, member := range []json.RawMessage{r.Code, r.HTTPError, r.Error} {
		var inner signInAnswer
		switch word := wordOf(member); {
		case signInCode.MatchString(word):
			code = cmp.Or(code, word)
		case word != "":
			message = cmp.Or(message, word)
		case decodeObject(member, &inner) == nil:
			innerCode, innerMessage := inner.words()
			code, message = cmp.Or(code, innerCode), cmp.Or(message, innerMessage)
		}
	}
	return code, message
}

// wordOf is a member that is a text or a number, empty if it is neither.
func wordOf(member json.RawMessage) (word string) {
	var n json.Number
	if json.Unmarshal(member, &word) != nil && json.Unmarshal(member, &n) == nil {
		return n.String()
	}
	return word
}

// signInCode is what a code looks like: "412", "LG.OAUTH.EC.4001",
// "invalid_grant". Anything longer may be an echo of what we sent.
var signInCode = regexp.MustCompile(`^([0-9]{3,4}|[A-Za-z_.0-9]{1,32})$`)

// longWord is longer than any word of a message should be. Tokens are.
var longWord = regexp.MustCompile(`[^\s]{40,}`)

// plain reports whether a body is a few words and nothing else: LG's simplest
// form of an error.
func plain(body []byte) bool {
	return len(body) > 0 && len(body) <= maxMessage && !bytes.ContainsAny(body, "<>{}[]=") &&
		!slices.ContainsFunc(bytes.Runes(body), func(r rune) bool { return !strconv.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' })
}
