using System.Buffers;
using System.Text.Unicode;

namespace PageFold.Caching;

/// <summary>The UTF-8 of a key that was given as a string. The caller disposes it.</summary>
internal readonly ref struct Utf8Key
{
    /// <summary>Bytes of a buffer on the stack that is enough for most keys.</summary>
    public const int StackLength = 384;

    private const int MaxBytesPerChar = 3;

    private readonly byte[]? _rented;

    /// <param name="key">The key.</param>
    /// <param name="buffer">Of <see cref="StackLength"/>.</param>
    /// <exception cref="ArgumentNullException">The key is null.</exception>
    /// <exception cref="ArgumentException">The key is no text, or too long.</exception>
    public Utf8Key(string key, Span<byte> buffer)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Length > CompressedCache.MaxKeyBytes)
            CacheThrow.KeyTooLong(key.Length);
        if (key.Length * MaxBytesPerChar > buffer.Length)
            buffer = _rented = ArrayPool<byte>.Shared.Rent(key.Length * MaxBytesPerChar);
        if (Utf8.FromUtf16(key, buffer, out _, out int written, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            Dispose();
            CacheThrow.KeyIsNoText();
        }
        Bytes = buffer[..written];
    }

    public ReadOnlySpan<byte> Bytes { get; }

    public void Dispose()
    {
        if (_rented is not null)
            ArrayPool<byte>.Shared.Return(_rented);
    }
}
