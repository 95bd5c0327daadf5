using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>Reads a document of a daemon's into a tree and writes it again. No DTD and no entities; length, depth and nodes are bounded, and each bound is looked at before what exceeds it is kept.</summary>
internal static class BoundedXml
{
    /// <summary>What a string of the protocol may have (REMOTE_STRING_MAX of remote_protocol.x).</summary>
    public const int MaxChars = 4 * 1024 * 1024;

    public const int MaxDepth = 128;

    public const int MaxNodes = 200_000;

    /// <summary>Reads a document.</summary>
    /// <param name="text">The document.</param>
    /// <param name="root">The name that its element must have.</param>
    /// <exception cref="HypervisorException">It is not well-formed, has a DTD, exceeds a bound or is something else (<see cref="ErrorCode.Protocol"/>).</exception>
    public static XElement Read(string text, string root)
    {
        if (text.Length > MaxChars)
            throw Unreadable(root, $"it has {text.Length} characters, more than {MaxChars}");
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersFromEntities = 1024, MaxCharactersInDocument = MaxChars, IgnoreComments = true, IgnoreProcessingInstructions = true, IgnoreWhitespace = true,
        };
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), settings);
            var element = ReadTree(reader);
            return element.Name.LocalName == root && element.Name.NamespaceName.Length == 0 ? element : throw Unreadable(root, $"it is a '{element.Name.LocalName}'");
        }
        catch (XmlException error)
        {
            throw Unreadable(root, error.Message.TrimEnd('.'), error);
        }
    }

    /// <summary>The text of a tree.</summary>
    public static string Write(XElement root)
    {
        var text = new StringBuilder();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, CheckCharacters = true, NewLineHandling = NewLineHandling.Entitize }))
            root.WriteTo(writer);
        return text.ToString();
    }

    /// <summary>A tree without its namespaces, as virDomainSetMetadata takes it: it puts the whole tree into the one that it is told.</summary>
    public static XElement Bare(XElement element) =>
        new(element.Name.LocalName, element.Attributes().Where(attribute => !attribute.IsNamespaceDeclaration).Select(attribute => new XAttribute(attribute.Name.LocalName, attribute.Value)), element.Elements().Select(Bare));

    /// <summary>Whether a text can stand in a document at all.</summary>
    public static bool CanHold(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (XmlConvert.IsXmlChar(text[i]))
                continue;
            if (i + 1 >= text.Length || !XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i]))
                return false;
            i++;
        }

        return true;
    }

    private static XElement ReadTree(XmlReader reader)
    {
        XElement? root = null;
        XElement? current = null;
        int nodes = 0;
        while (reader.Read())
        {
            if (++nodes > MaxNodes)
                throw new XmlException(string.Create(CultureInfo.InvariantCulture, $"there are more than {MaxNodes} nodes"));
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    // The depth of the reader counts from 0.
                    if (reader.Depth >= MaxDepth)
                        throw new XmlException(string.Create(CultureInfo.InvariantCulture, $"elements are nested deeper than {MaxDepth}"));
                    bool isEmpty = reader.IsEmptyElement;
                    var element = new XElement(XName.Get(reader.LocalName, reader.NamespaceURI));
                    nodes += ReadAttributes(reader, element);
                    current?.Add(element);
                    root ??= element;
                    if (!isEmpty)
                        current = element;
                    break;
                case XmlNodeType.EndElement:
                    current = current?.Parent;
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace:
                    current?.Add(new XText(reader.Value));
                    break;
            }
        }

        return root ?? throw new XmlException("there is no element");
    }

    private static int ReadAttributes(XmlReader reader, XElement element)
    {
        int count = 0;
        while (reader.MoveToNextAttribute())
        {
            count++;
            var name = reader.Prefix.Length == 0 && reader.LocalName == "xmlns" ? XName.Get("xmlns") : XName.Get(reader.LocalName, reader.NamespaceURI);
            element.Add(new XAttribute(name, reader.Value));
        }

        reader.MoveToElement();
        return count;
    }

    private static HypervisorException Unreadable(string root, string why, Exception? inner = null) =>
        new($"What the daemon sent as a '{root}' cannot be read: {why}.", ErrorCode.Protocol, RequestOutcome.Rejected, inner);
}
