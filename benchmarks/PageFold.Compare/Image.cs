namespace PageFold.Compare;

/// <summary>Files, one after the other.</summary>
internal static class Image
{
    /// <summary>Reads at most so many bytes of files below paths, in order of their names, to a multiple of a page.</summary>
    public static byte[] Read(string[] paths, long bytes, int pageSize)
    {
        byte[] image = GC.AllocateUninitializedArray<byte>((int)bytes, pinned: true);
        int length = 0;
        EnumerationOptions all = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (string file in paths.SelectMany(path => Directory.EnumerateFiles(path, "*", all).Order(StringComparer.Ordinal)))
        {
            byte[] content;
            try
            {
                content = File.ReadAllBytes(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue;
            }
            int part = Math.Min(content.Length, image.Length - length);
            content.AsSpan(0, part).CopyTo(image.AsSpan(length));
            length += part;
            if (length == image.Length)
                break;
        }
        length -= length % pageSize;
        if (length == 0)
            throw new InvalidOperationException("There is no data below the paths.");
        return length == image.Length ? image : image[..length];
    }
}
