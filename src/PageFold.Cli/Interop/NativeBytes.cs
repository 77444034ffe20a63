using System.Runtime.InteropServices;

namespace PageFold.Cli.Interop;

/// <summary>A range of native memory of any length, accessed through spans.</summary>
/// <remarks>It is not touched when made, so that the user can time or avoid first touches.</remarks>
internal sealed unsafe class NativeBytes : IDisposable
{
    private readonly byte* _bytes;

    public NativeBytes(long length, int alignment)
    {
        Length = length;
        _bytes = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, length), (nuint)alignment);
    }

    public long Length { get; }

    public Span<byte> Slice(long offset, int length) => new(_bytes + offset, length);

    /// <summary>Touches every page, so that its memory is resident.</summary>
    public void Touch()
    {
        for (long offset = 0; offset < Length; offset += Environment.SystemPageSize)
            _bytes[offset] = 0;
    }

    public void Dispose() => NativeMemory.AlignedFree(_bytes);
}
