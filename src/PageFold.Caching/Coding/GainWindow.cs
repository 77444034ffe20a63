namespace PageFold.Caching.Coding;

/// <summary>The ratio of values to what is stored of them, over the last so many sampled values.</summary>
/// <remarks>Used under the lock of its owner.</remarks>
internal sealed class GainWindow(int values)
{
    // The window moves on by one of so many parts.
    private const int Parts = 8;

    private readonly long[] _original = new long[Parts];
    private readonly long[] _stored = new long[Parts];
    private readonly int _valuesOfPart = Math.Max(1, values / Parts);
    private int _part;
    private int _inPart;
    private int _parts;

    /// <summary>The ratio in the first whole window; null before that.</summary>
    public double? First { get; private set; }

    /// <summary>The ratio in the last whole window; null before that.</summary>
    public double? Last { get; private set; }

    /// <summary>Adds a value.</summary>
    public void Add(int original, int stored)
    {
        _original[_part] += original;
        _stored[_part] += stored;
        if (++_inPart < _valuesOfPart)
            return;
        if (++_parts >= Parts)
        {
            Last = (double)_original.Sum() / Math.Max(1, _stored.Sum());
            First ??= Last;
        }
        _inPart = 0;
        _part = (_part + 1) % Parts;
        (_original[_part], _stored[_part]) = (0, 0);
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        Array.Clear(_original);
        Array.Clear(_stored);
        (_part, _inPart, _parts) = (0, 0, 0);
        (First, Last) = (null, null);
    }
}
