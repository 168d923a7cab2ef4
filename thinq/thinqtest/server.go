// Package thinqtest simulates LG's ThinQ Connect cloud, in the manner of
// net/http/httptest: REST interface, event broker with its certificate
// authority, and appliances that obey, run and report; and EMP, where the users
// of LG's partners sign in. It shares no code with package thinq, so that each
// proves the other.
//
// # The sign-in page
//
// EMP's page is plain HTML that needs no script. There is no password. The form
// has the id sign-in; its buttons, by id, do what can happen at LG:
//
//	allow     consent: back to the service with a code
//	refuse    no consent
//	google    "Continue with Google": back with returnCode=910 and
//	          returnDescription=confirm_ggl, and, as LG has it, without the state
//	terms     the terms were not accepted, or the country is not served
//	redirect  the redirect address is not registered; allow and google do the
//	          same where it is true
//
// Refuse, terms and redirect show an alert, the element with the id alert, and
// lead nowhere: LG does not call the service then. What EMP cannot read at all is
// the page "Page not found", in the element with the id error. A request with
// anything but the four parameters of LG's documents is of that kind.
package thinqtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Options configure a [Server]. The zero value is a cloud in Korea with every
// built-in appliance, on free ports of the loopback interface.
type Options struct {
	Samples []Sample // the appliances; nil: all built-in
	Country string   // of the account; it settles the region that this server plays. Default KR
	Token   string   // the account's personal access token. Default: a random one
	Host    string   // under which clients find this machine. Default: the listeners' own address

	Seed   uint64  // of everything random in the appliances' lives
	Speed  float64 // appliances live Speed times faster; default 1
	Lively bool    // sensors and doors move by themselves

	APIDelay    time.Duration // before every answer; default 0
	ReportDelay time.Duration // from a control call to the appliance's report; 0: 800 ms, below 0: none; divided by Speed

	CallsPerHour     int           // quota; 0: 300, below 0: none
	ClampEvents      bool          // event subscriptions end after 24 h, whatever was asked for
	EventLife        time.Duration // event subscriptions end after so long, whatever was asked for; 0: as asked for
	NestedEvents     bool          // messages in the envelope of LG's documents, not in the flat one seen on the wire
	StrictCompanions bool          // control calls must carry the companions that LG's own library always sends
	LateEnergy       time.Duration // until an hour of energy shows, beyond its end
	CertificateLife  time.Duration // of client certificates; 0: until the end of 2049, as with Amazon

	RedirectURLs []string      // to which EMP sends users back; nil: http://127.0.0.1:8765/callback
	TokenLife    time.Duration // of EMP's access tokens; default 1 h
	RefreshLife  time.Duration // of EMP's refresh tokens; 0: until RevokeSignIns
	Renewal      Renewal       // what EMP answers a renewal; default RenewalKeep
	SignInErrors SignInErrors  // how EMP answers errors; default ErrorsOK
	Backend      bool          // EMP sends its backend's address along with the code, and wants it back with every call

	TokenEnd     TokenEnd // what becomes of open callback websockets; default TokenEndKeep
	FlatCallback bool     // callback messages without the envelope of LG's documents

	REST, MQTT, Admin net.Listener // nil: 127.0.0.1:0; Admin nil: off
	OAuth, WebSocket  net.Listener // nil: off
	Plain             bool         // OAuth and WebSocket without TLS
	Logger            *slog.Logger // default: none
}

// A Server is a simulated ThinQ Connect cloud: the REST interface, the event
// broker, the certificate authority and the appliances behind them; and for
// partners EMP, where their users sign in, and the callback websocket. It is as
// strict as LG's documents are, and where they are silent as the notes on each
// part say. Its methods can be called from several goroutines.
type Server struct {
	URL          string // of the REST interface
	MQTTAddr     string // host:port of the event broker
	AdminURL     string // of the admin door; empty: off
	OAuthURL     string // of EMP, with its path; empty: off
	WebSocketURL string // of the callback; empty: off
	Token        string // a personal access token with every right
	CA           []byte // the certificate of the authority behind all of them, PEM

	// What LG gives to a partner. The secret may be left out: LG's documents
	// know none.
	ClientID, ClientSecret string
	ServiceID, ServiceKey  string
	RedirectURLs           []string

	o        Options
	region   string
	log      *slog.Logger
	clock    clock
	ca       *authority
	schedule *schedule
	broker   *broker
	callback *callback
	web      []*http.Server
	serving  sync.WaitGroup // the accept loops of web
	closing  chan struct{}

	mu       sync.Mutex
	closed   bool
	requests sync.WaitGroup // Add only under mu and before closed
	devices  []*appliance
	clients  map[string]*client
	tokens   map[string]Grant
	emp      emp
	owners   map[string]string // client id by serial number of its certificate
	quota    []time.Time       // calls of the last hour
	calls    []*Call
	faults   []*Fault
	mode     EventMode
	silent   map[string]Cure // by device: see Silence
	passed   int             // messages since mode was set
	held     []delivery      // by EventsReorder
	random   *mathrand.Rand
}

// NewServer starts a server. The error is about an option or a listener; then
// nothing runs, and listeners that were given are left open.
func NewServer(o Options) (*Server, error) {
	s := &Server{o: o.withDefaults(), closing: make(chan struct{})}
	s.log, s.Token, s.mode = s.o.Logger, s.o.Token, EventsOK
	if s.o.Speed < 0 {
		return nil, fmt.Errorf("speed %v is below 0", s.o.Speed)
	}
	if s.region = regionOf(s.o.Country); s.region == "" {
		return nil, fmt.Errorf("LG serves no country %q", s.o.Country)
	}
	if err := errors.Join(s.o.Renewal.check(), s.o.SignInErrors.check(), s.o.TokenEnd.check()); err != nil {
		return nil, err
	}
	if s.o.TokenLife < time.Second || s.o.RefreshLife < 0 {
		return nil, fmt.Errorf("tokens that live %v and %v: EMP counts in seconds, from 1", s.o.TokenLife, s.o.RefreshLife)
	}
	s.becomePartner()
	s.callback = newCallback(s)
	s.clients, s.owners, s.silent = map[string]*client{}, map[string]string{}, map[string]Cure{}
	s.tokens = map[string]Grant{s.Token: {}}
	s.random = mathrand.New(mathrand.NewPCG(s.o.Seed, 1))
	for _, sample := range s.o.Samples {
		a, err := newAppliance(sample)
		if err != nil {
			return nil, err
		}
		s.devices = append(s.devices, a)
	}
	var err error
	if s.ca, err = newAuthority(); err != nil {
		return nil, err
	}
	s.CA = s.ca.pem()
	s.schedule = newSchedule()
	if err := s.listen(); err != nil {
		s.schedule.stop()
		return nil, err
	}
	s.schedule.after(s.o.minute(), s.live)
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Samples == nil {
		o.Samples = Samples()
	}
	o.Country = cmp.Or(o.Country, "KR")
	o.Speed = cmp.Or(o.Speed, 1)
	o.ReportDelay = time.Duration(float64(cmp.Or(o.ReportDelay, 800*time.Millisecond)) / o.Speed)
	o.CallsPerHour = cmp.Or(o.CallsPerHour, 300)
	o.TokenLife = cmp.Or(o.TokenLife, time.Hour)
	o.Renewal = cmp.Or(o.Renewal, RenewalKeep)
	o.SignInErrors = cmp.Or(o.SignInErrors, ErrorsOK)
	o.TokenEnd = cmp.Or(o.TokenEnd, TokenEndKeep)
	if o.RedirectURLs == nil {
		o.RedirectURLs = []string{"http://127.0.0.1:8765/callback"}
	}
	if o.Token == "" {
		o.Token = "thinqpat_" + randomHex(32)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// minute is how long a minute of an appliance takes.
func (o Options) minute() time.Duration {
	return max(time.Duration(float64(time.Minute)/o.Speed), 10*time.Millisecond)
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// listen opens what was not given, and begins to serve everything.
func (s *Server) listen() (err error) {
	rest, err1 := open(s.o.REST)
	mqtt, err2 := open(s.o.MQTT)
	defer func() {
		if err != nil {
			release(rest, s.o.REST)
			release(mqtt, s.o.MQTT)
		}
	}()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	restAddr, mqttAddr := s.address(rest), s.address(mqtt)
	oauthAddr, socketAddr := s.address(s.o.OAuth), s.address(s.o.WebSocket)
	cert, err := s.certificate(restAddr, mqttAddr, oauthAddr, socketAddr)
	if err != nil {
		return err
	}
	if s.broker, err = newBroker(s, mqtt, cert); err != nil {
		return err
	}
	s.URL, s.MQTTAddr = "https://"+restAddr, mqttAddr
	secure := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	s.serve(tls.NewListener(rest, secure), s.restHandler())
	if s.o.OAuth != nil {
		s.OAuthURL = s.scheme("http") + oauthAddr + empPath
		s.serve(s.encrypted(s.o.OAuth, secure), s.empHandler())
	}
	if s.o.WebSocket != nil {
		s.WebSocketURL = s.scheme("ws") + socketAddr + "/websocket"
		s.serve(s.encrypted(s.o.WebSocket, secure), s.socketHandler())
	}
	if s.o.Admin != nil {
		s.AdminURL = "http://" + s.address(s.o.Admin)
		s.serve(s.o.Admin, s.AdminHandler())
	}
	return nil
}

// scheme begins the addresses that Plain is about.
func (s *Server) scheme(plain string) string {
	if s.o.Plain {
		return plain + "://"
	}
	return plain + "s://"
}

func (s *Server) encrypted(l net.Listener, secure *tls.Config) net.Listener {
	if s.o.Plain {
		return l
	}
	return tls.NewListener(l, secure)
}

// open makes a listener unless one is given.
func open(given net.Listener) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// release closes what open made.
func release(l, given net.Listener) {
	if l != nil && given == nil {
		l.Close()
	}
}

// address is where clients find a listener; empty if there is none.
func (s *Server) address(l net.Listener) string {
	if l == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(cmp.Or(s.o.Host, host), port)
}

// certificate is for every name by which a client may call.
func (s *Server) certificate(addrs ...string) (tls.Certificate, error) {
	hosts := []string{s.o.Host}
	for _, addr := range addrs {
		if host, _, err := net.SplitHostPort(addr); err == nil {
			hosts = append(hosts, host)
		}
	}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	return s.ca.server(hosts...)
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	web := &http.Server{
		Handler:           s.counted(h),
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 30 * time.Second,
	}
	s.web = append(s.web, web)
	s.serving.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("simulator stopped listening", "address", l.Addr().String(), "error", err)
		}
	})
}

// counted lets Close wait for the requests under way.
func (s *Server) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		closed := s.closed
		if !closed {
			s.requests.Add(1)
		}
		s.mu.Unlock()
		if closed {
			panic(http.ErrAbortHandler)
		}
		defer s.requests.Done()
		h.ServeHTTP(w, r)
	})
}

// Close stops the server with all its listeners and waits until nothing of it
// runs any more.
func (s *Server) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return
	}
	close(s.closing)
	for _, web := range s.web {
		web.Close()
	}
	s.serving.Wait()
	s.requests.Wait()
	s.schedule.stop()
	s.broker.close()
}

// Roots is CA as a pool.
func (s *Server) Roots() *x509.CertPool { return s.ca.pool() }

// Advance moves the clock by which subscriptions, sessions, tokens, certificates
// and websockets end. The appliances' lives go on at their own pace.
func (s *Server) Advance(d time.Duration) {
	s.clock.advance(d)
	s.callback.each((*socket).wake)
}

// A Grant is what a token is good for.
type Grant struct {
	Expires time.Time // zero: never
	Scopes  []Scope   // nil: everything
}

// A Scope is one of the permissions that are ticked when a token is made.
type Scope string

// The permissions of LG's token page.
const (
	ScopeDevices Scope = "devices" // list and profiles
	ScopeState   Scope = "state"
	ScopeControl Scope = "control"
	ScopeEvents  Scope = "events"
	ScopePush    Scope = "push"
	ScopeEnergy  Scope = "energy"
)

// Allow makes a token known, or changes what it may do.
func (s *Server) Allow(token string, g Grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = g
}

// pause waits unless the server closes or the caller leaves before.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}

// mustJSON is for what came from JSON or cannot fail to become it.
func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
