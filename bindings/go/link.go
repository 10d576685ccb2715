//go:build !mysqlfabric_static

package mysqlfabric

/*
#cgo pkg-config: mysqlfabric
*/
import "C"
