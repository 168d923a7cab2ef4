package thinqtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// What AWS IoT Core lets a client do; see its list of quotas.
const (
	keepAliveLeast    = 30
	keepAliveMost     = 1200
	topicsAtOnce      = 8
	payloadMost       = 128 << 10
	packetMost        = 149_504
	inFlight          = 100
	sessionLife       = time.Hour
	storedMost        = 1000
	redeliveryPause   = 100 * time.Millisecond // stored messages come at ten a second
	handshakePatience = 10 * time.Second
)

// alpnMQTT is what Amazon calls MQTT with a client certificate on the port of HTTPS.
const alpnMQTT = "x-amzn-mqtt-ca"

// A broker is the event side of the cloud: an MQTT broker for which a client
// certificate is the only credential, with the limits of AWS IoT Core. What a
// client has not acknowledged, mochi keeps; what was not sent yet, its session.
type broker struct {
	server   *Server
	listener net.Listener
	tls      *tls.Config
	mqtt     *mochi.Server
	running  sync.WaitGroup

	mu       sync.Mutex
	stopped  bool // listening, but turning everybody away
	closed   bool
	conns    map[*tls.Conn]chan struct{} // closed when the connection is served no more
	sessions map[string]*session
	loans    map[loan]uint16 // packet identifiers that stand for clients' own
}

// A session is what the broker remembers of a client between connections.
type session struct {
	client  *mochi.Client // nil: not connected
	ended   time.Time     // of the last connection
	life    time.Duration // after that, as the client wanted it
	topic   bool          // subscribed
	window  int           // messages the client takes at a time
	queue   [][]byte
	stored  int // messages of the queue that waited for the connection
	waiting bool
}

func newBroker(s *Server, l net.Listener, cert tls.Certificate) (*broker, error) {
	b := &broker{server: s, listener: l, conns: map[*tls.Conn]chan struct{}{}, sessions: map[string]*session{}, loans: map[loan]uint16{}}
	announced := s.address(l)
	b.tls = &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    s.ca.pool(),
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{alpnMQTT, "mqtt"},
		Time:         s.clock.Now,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return nil, addressed(announced, hello)
		},
		VerifyConnection: func(state tls.ConnectionState) error {
			if s.owner(serialOf(state)) == "" {
				return errors.New("certificate unknown or revoked")
			}
			return nil
		},
	}
	capabilities := mochi.NewDefaultServerCapabilities()
	capabilities.MaximumQos = 1
	capabilities.ReceiveMaximum = inFlight
	capabilities.MaximumPacketSize = packetMost
	capabilities.TopicAliasMaximum = topicsAtOnce
	capabilities.MaximumSessionExpiryInterval = uint32(sessionLife / time.Second)
	capabilities.MaximumClientWritesPending = 1024
	capabilities.SubIDAvailable = 0
	capabilities.MinimumProtocolVersion = 4
	b.mqtt = mochi.New(&mochi.Options{
		Capabilities: capabilities, InlineClient: true, Logger: slog.New(slog.DiscardHandler),
		SysTopicResendInterval: int64(time.Hour / time.Second), // each round stops the world to read memory statistics
	})
	if err := b.mqtt.AddHook(&hook{broker: b}, nil); err != nil {
		return nil, err
	}
	if err := b.mqtt.Serve(); err != nil {
		return nil, err
	}
	b.running.Go(b.accept)
	return b, nil
}

// addressed refuses who does not say which host is meant, where it has a name of its own, and
// who does not say that it is MQTT on the port of HTTPS: Amazon serves many hosts,
// and many protocols, at one address.
func addressed(announced string, hello *tls.ClientHelloInfo) error {
	host, port, _ := net.SplitHostPort(announced)
	_, err := netip.ParseAddr(host)
	switch named := err != nil && host != "" && host != "localhost"; {
	case named && hello.ServerName == "":
		return errors.New("no server name (SNI)")
	case port == "443" && !slices.Contains(hello.SupportedProtos, alpnMQTT):
		return errors.New("no protocol " + alpnMQTT + " (ALPN) on port 443")
	}
	return nil
}

func serialOf(state tls.ConnectionState) string {
	return state.PeerCertificates[0].SerialNumber.String()
}

func (b *broker) accept() {
	for {
		conn, err := b.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			b.server.log.Error("event broker cannot accept", "error", err)
			if !b.server.pause(context.Background(), time.Second) {
				return
			}
			continue
		}
		secure := tls.Server(conn, b.tls)
		if !b.track(secure) {
			conn.Close()
			continue
		}
		b.running.Go(func() {
			defer b.untrack(secure)
			b.talk(secure)
		})
	}
}

func (b *broker) track(conn *tls.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || b.closed {
		return false
	}
	b.conns[conn] = make(chan struct{})
	return true
}

func (b *broker) untrack(conn *tls.Conn) {
	conn.NetConn().Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.conns[conn])
	delete(b.conns, conn)
}

// talk serves one connection. Handshake and CONNECT have to come soon; then
// mochi sets its own deadlines.
func (b *broker) talk(conn *tls.Conn) {
	conn.SetDeadline(time.Now().Add(handshakePatience))
	if err := conn.HandshakeContext(context.Background()); err != nil {
		b.server.log.Debug("event broker refused a connection", "error", err)
		return
	}
	if err := b.mqtt.EstablishConnection("events", conn); err != nil {
		b.server.log.Debug("event connection ended", "error", err)
	}
}

func (b *broker) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.listener.Close()
	b.hangUp(packets.ErrServerShuttingDown)
	b.drop()
	b.running.Wait()
	b.mqtt.Close()
}

// drop breaks the connections that are left, connected clients or not.
func (b *broker) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.conns {
		conn.NetConn().Close()
	}
}

// hangUp ends every client's connection for a reason.
func (b *broker) hangUp(reason packets.Code) {
	for _, cl := range b.connected() {
		b.disconnect(cl, reason)
	}
}

func (b *broker) connected() []*mochi.Client {
	b.mu.Lock()
	defer b.mu.Unlock()
	var clients []*mochi.Client
	for _, s := range b.sessions {
		if s.client != nil {
			clients = append(clients, s.client)
		}
	}
	return clients
}

// disconnect says why, which only MQTT 5 can, and does not wait for a client
// that does not listen.
func (b *broker) disconnect(cl *mochi.Client, reason packets.Code) {
	cl.Net.Conn.SetWriteDeadline(time.Now().Add(time.Second))
	if cl.Properties.ProtocolVersion == 5 {
		b.mqtt.DisconnectClient(cl, reason)
	}
	cl.Stop(reason)
}

// revoke ends a client that lost its certificates.
func (b *broker) revoke(client string) {
	for _, cl := range b.connected() {
		if cl.ID == client {
			b.disconnect(cl, packets.ErrNotAuthorized)
		}
	}
}

// BrokerAction does something to the event broker, and to the callback
// websocket: "disconnect" ends every connection, "takeover" does so as if another
// client had come with the same id, "stop" turns everybody away until "start".
// The error names an unknown one.
func (s *Server) BrokerAction(action string) error {
	b := s.broker
	switch action {
	case "disconnect":
		b.hangUp(packets.ErrAdministrativeAction)
	case "takeover":
		b.hangUp(packets.ErrSessionTakenOver)
	case "stop", "start":
		b.mu.Lock()
		b.stopped = action == "stop"
		b.mu.Unlock()
		if action == "stop" {
			b.hangUp(packets.ErrServerShuttingDown)
			b.drop()
		}
	default:
		return fmt.Errorf("action %q is none of disconnect, takeover, stop, start", action)
	}
	s.callback.act(action)
	return nil
}

// Connected lists the clients that are connected to the event broker and
// subscribed to their topic, sorted.
func (s *Server) Connected() []string {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := []string{}
	for id, session := range b.sessions {
		if session.client != nil && session.topic {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// deliver queues a message for a client that is connected or remembered; for
// nobody else there is one.
func (b *broker) deliver(d delivery) {
	if len(d.payload) > payloadMost {
		b.server.log.Warn("event message too large", "bytes", len(d.payload))
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[d.client]
	if s == nil || !s.topic || b.forgotten(s) || len(s.queue) >= storedMost {
		return
	}
	s.queue = append(s.queue, d.payload)
	if s.client == nil {
		s.stored++
	}
	b.pump(d.client, s)
}

// forgotten: an hour after its connection ended, or when the client wanted, a
// session is over.
func (b *broker) forgotten(s *session) bool {
	return s.client == nil && b.server.clock.Now().Sub(s.ended) > s.life
}

// pump sends what the client takes now; mu is held. mochi stalls once a client's
// window is full, so that must not happen.
func (b *broker) pump(id string, s *session) {
	for s.client != nil && s.topic && !s.waiting && len(s.queue) > 0 && s.client.State.Inflight.Len() < s.window {
		payload := s.queue[0]
		s.queue = s.queue[1:]
		if err := b.mqtt.Publish(topicOf(id), payload, false, 1); err != nil {
			b.server.log.Debug("event message not sent", "error", err)
		}
		if s.stored > 0 {
			s.stored--
			s.waiting = true
			b.server.schedule.after(redeliveryPause, func() { b.resume(id, s) })
		}
	}
}

func (b *broker) resume(id string, s *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.waiting = false
	b.pump(id, s)
}

// certified is the client id in a connection's certificate.
func (b *broker) certified(conn net.Conn) string {
	return b.server.owner(serialOf(conn.(*tls.Conn).ConnectionState()))
}
