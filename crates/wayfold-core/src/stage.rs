//! The five stages of a journey and the channels on which it happens.

use crate::text_enum::text_enum;

text_enum! {
    /// One of the five stages of the customer business process (客户业务流程模式), in causal order.
    pub enum Stage, "stage" {
        /// A need shows (需求识别).
        Need = "need",
        /// Information is gathered (信息获取).
        Information = "information",
        /// A decision is made (决策过程).
        Decision = "decision",
        /// The purchase is delivered (购买交付).
        Delivery = "delivery",
        /// After-sales service (售后服务).
        AfterSales = "after_sales",
    }
}

impl Stage {
    /// The place in the causal order, from 0.
    pub fn index(self) -> usize {
        self as usize
    }
}

text_enum! {
    /// A channel (渠道) on which an event happened: a closed list plus `Other`.
    pub enum Channel, "channel" {
        /// The web site.
        Web = "web",
        /// The app.
        App = "app",
        /// A search engine.
        Search = "search",
        /// Social media.
        SocialMedia = "social_media",
        /// Electronic mail.
        Email = "email",
        /// Text messages.
        Sms = "sms",
        /// A chat.
        Chat = "chat",
        /// The phone hotline.
        Phone = "phone",
        /// A store.
        Store = "store",
        /// A partner.
        Partner = "partner",
        /// A trade fair.
        TradeFair = "trade_fair",
        /// A seminar.
        Seminar = "seminar",
        /// Television.
        Television = "television",
        /// A newspaper.
        Newspaper = "newspaper",
        /// Online advertisements.
        OnlineAds = "online_ads",
        /// Public relations.
        PublicRelations = "public_relations",
        /// A QR code.
        QrCode = "qr_code",
        /// Word of mouth.
        WordOfMouth = "word_of_mouth",
        /// Anything else.
        Other = "other",
    }
}

text_enum! {
    /// Whose medium a channel is.
    pub enum Ownership, "ownership" {
        /// Paid for, by reach or by click.
        Paid = "paid",
        /// The business's own.
        Owned = "owned",
        /// Given by others.
        Earned = "earned",
    }
}

impl Channel {
    /// Says whether the channel is online; `Other` counts as offline.
    pub fn is_online(self) -> bool {
        use Channel::{App, Chat, Email, OnlineAds, QrCode, Search, SocialMedia, Web};
        matches!(self, Web | App | Search | SocialMedia | Email | Chat | OnlineAds | QrCode)
    }

    /// Says whose medium the channel usually is; `None` for `Other`.
    pub fn ownership(self) -> Option<Ownership> {
        match self {
            Self::Web
            | Self::App
            | Self::Email
            | Self::Sms
            | Self::Chat
            | Self::Phone
            | Self::Store
            | Self::QrCode => Some(Ownership::Owned),
            Self::Partner | Self::Seminar => Some(Ownership::Owned),
            Self::TradeFair | Self::Television | Self::Newspaper | Self::OnlineAds => Some(Ownership::Paid),
            Self::Search | Self::SocialMedia | Self::PublicRelations | Self::WordOfMouth => {
                Some(Ownership::Earned)
            }
            Self::Other => None,
        }
    }
}
