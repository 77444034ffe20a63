using System.Runtime.InteropServices;
using PageFold.Compression.Lz4;
using PageFold.Interop;

namespace PageFold.Compression;

/// <summary>LZ4 blocks by the system's liblz4.</summary>
/// <remarks>
/// The format is that of <see cref="ManagedLz4Codec"/>, so each reads what the other wrote. A context holds the library's state, so that
/// the hash table is neither on the stack nor allocated for each page.
/// </remarks>
internal sealed unsafe class NativeLz4Codec(LibLz4 library) : PageCodec
{
    private const int Acceleration = 1;

    // The library requires the alignment of the widest member of its state.
    private const int StateAlignment = 64;

    public override string Name => "lz4";

    public override string Implementation => $"liblz4 {library.Version}";

    public override bool IsFast => true;

    public override int MaxCompressedLength(int pageSize) => pageSize + pageSize / 255 + 16;

    public override PageCodecContext CreateContext(int pageSize) => new Context(library);

    internal override CodecDescription Describe(int pageSize) => new(Name, 0, default);

    private sealed class Context : PageCodecContext
    {
        private readonly LibLz4 _library;
        private void* _state;

        public Context(LibLz4 library)
        {
            _library = library;
            Bytes = library.StateBytes;
            _state = NativeMemory.AlignedAlloc((nuint)library.StateBytes, StateAlignment);
            NativeMemory.Clear(_state, (nuint)library.StateBytes);
        }

        ~Context() => Dispose(disposing: false);

        public override long Bytes { get; }

        public override bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int written)
        {
            ObjectDisposedException.ThrowIf(_state is null, this);
            fixed (byte* source = page, target = destination)
                written = Math.Max(0, _library.CompressWithState(_state, source, target, page.Length, destination.Length, Acceleration));
            GC.KeepAlive(this);
            return written > 0;
        }

        public override bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> page)
        {
            fixed (byte* packed = source, target = page)
                return _library.Decompress(packed, target, source.Length, page.Length) == page.Length;
        }

        protected override void Dispose(bool disposing)
        {
            NativeMemory.AlignedFree(_state);
            _state = null;
            base.Dispose(disposing);
        }
    }
}
