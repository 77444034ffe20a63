namespace PageFold.Caching;

/// <summary>What <see cref="CompressedCache.Save(string, CancellationToken)"/> has written.</summary>
/// <param name="Entries">Entries in the file.</param>
/// <param name="LeftOut">Entries that were met and not written: expired, dead by tag, or damaged.</param>
/// <param name="ContentBytes">Bytes of the keys and values of the entries in the file, as callers set them.</param>
/// <param name="FileBytes">Bytes written.</param>
public readonly record struct CacheSaveResult(long Entries, long LeftOut, long ContentBytes, long FileBytes);
