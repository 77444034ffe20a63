using System.Buffers;

namespace PageFold.Caching.Saving;

/// <summary>Bytes that are appended to, in an array that is borrowed and grows. Used by one thread.</summary>
internal sealed class GrowingBuffer : IDisposable
{
    private byte[] _bytes = [];

    /// <summary>Bytes appended.</summary>
    public int Length { get; private set; }

    /// <summary>All bytes.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>Appends bytes whose content is undefined, and returns them. Spans that were returned before are void.</summary>
    public Span<byte> Append(int length)
    {
        int needed = checked(Length + length);
        if (needed > _bytes.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(needed, 2L * _bytes.Length), Array.MaxLength));
            Bytes.CopyTo(larger);
            Dispose();
            _bytes = larger;
        }
        Length = needed;
        return _bytes.AsSpan(needed - length, length);
    }

    /// <summary>Takes bytes back that were appended last.</summary>
    public void Cut(int length) => Length = length;

    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }
}
