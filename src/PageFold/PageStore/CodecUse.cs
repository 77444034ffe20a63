namespace PageFold;

/// <summary>A codec that a <see cref="PageStore"/> knows, and what it is used for. Its place in the list is its number.</summary>
/// <param name="Name">The codec's name.</param>
/// <param name="Implementation">The library that does the work.</param>
/// <param name="Pages">Pages compressed with it, in memory or written back.</param>
/// <param name="IsForWrites">True if new writes use it.</param>
public sealed record CodecUse(string Name, string Implementation, long Pages, bool IsForWrites);
