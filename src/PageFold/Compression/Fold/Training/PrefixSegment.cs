namespace PageFold.Compression.Fold.Training;

/// <summary>A part of a sample that is chosen for a dictionary.</summary>
/// <param name="Bytes">Its content.</param>
/// <param name="Worth">How much it is expected to be used.</param>
internal readonly record struct PrefixSegment(ReadOnlyMemory<byte> Bytes, long Worth);
