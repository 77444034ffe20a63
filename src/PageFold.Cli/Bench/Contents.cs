namespace PageFold.Cli.Bench;

/// <summary>Contents of objects, identified by numbers.</summary>
/// <remarks>
/// All contents lie in a buffer that stays in the processor's cache, as a page that was just compressed does.
/// </remarks>
internal sealed class Contents
{
    private const int OffsetBits = 16;
    private const uint Spread = 2654435761;

    private readonly byte[] _bytes;

    /// <param name="longest">The maximum size of an object, in bytes.</param>
    public Contents(int longest)
    {
        // A fixed seed, so that the bytes are the same each time.
        _bytes = new byte[(1 << OffsetBits) + longest];
        new Random(2026).NextBytes(_bytes);
    }

    public ReadOnlySpan<byte> this[int number, int size] => new(_bytes, (int)((uint)number * Spread >> 32 - OffsetBits), size);
}
