package container

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tlsFiles says how to speak TLS to an engine: with the files ca.pem, cert.pem
// and key.pem of a directory. Without directory the system's authorities are
// trusted and no certificate is shown.
type tlsFiles struct {
	dir    string
	verify bool // of the engine's certificate
}

// tlsFromEnv reads DOCKER_TLS_VERIFY and DOCKER_CERT_PATH as docker(1) does:
// any text in the former asks for TLS, a path alone for TLS unverified. It is
// nil for plain HTTP.
func tlsFromEnv(env func(string) string) *tlsFiles {
	f := &tlsFiles{dir: env("DOCKER_CERT_PATH"), verify: env("DOCKER_TLS_VERIFY") != ""}
	switch {
	case f.dir == "" && !f.verify:
		return nil
	case f.dir == "":
		f.dir = filepath.Join(env("HOME"), ".docker")
	}
	return f
}

// config reads the files. Those that are absent are done without.
func (f *tlsFiles) config() (*tls.Config, error) {
	if f == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !f.verify}
	if f.dir == "" {
		return c, nil
	}
	ca, err := os.ReadFile(filepath.Join(f.dir, "ca.pem"))
	switch {
	case err == nil:
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("read %s: no certificate in it", filepath.Join(f.dir, "ca.pem"))
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(f.dir, "cert.pem"), filepath.Join(f.dir, "key.pem"))
	switch {
	case err == nil:
		c.Certificates = []tls.Certificate{cert}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read certificate in %s: %w", f.dir, err)
	}
	return c, nil
}
