namespace PageFold.Cli.Bench;

/// <summary>
/// Content for objects, known again by its number. All of it lies in a buffer that stays in the processor's cache, as a page that was compressed a moment ago does.
/// </summary>
internal sealed class Contents
{
    private const int OffsetBits = 16;
    private const uint Spread = 2654435761;

    private readonly byte[] _bytes;

    /// <param name="longest">The most bytes that an object has.</param>
    public Contents(int longest)
    {
        // A fixed seed: the same bytes each time.
        _bytes = new byte[(1 << OffsetBits) + longest];
        new Random(2026).NextBytes(_bytes);
    }

    public ReadOnlySpan<byte> this[int number, int size] => new(_bytes, (int)((uint)number * Spread >> 32 - OffsetBits), size);
}
